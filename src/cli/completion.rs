//! Shell completions, derived from the option table.

use super::{FLAGS, Shell};
use std::fmt::Write as _;

/// Completions for the options and commands of the command line.
pub fn completions(shell: Shell) -> String {
    match shell {
        Shell::Bash => {
            let options: Vec<String> = FLAGS.iter().map(|flag| format!("--{}", flag.long)).collect();
            format!(
                "_standfast() {{\n    local word=${{COMP_WORDS[COMP_CWORD]}}\n    case $word in\n        \
                 -*) COMPREPLY=($(compgen -W '{} --version --help' -- \"$word\"));;\n        \
                 *) COMPREPLY=($(compgen -f -- \"$word\"));;\n    esac\n    \
                 if [ \"$COMP_CWORD\" = 1 ] && [ \"${{1##*/}}\" = standfast ]; then\n        \
                 COMPREPLY+=($(compgen -W 'check dump compatibility completions manual' -- \"$word\"))\n    fi\n}}\n\
                 complete -o filenames -F _standfast standfast keepalived\n",
                options.join(" ")
            )
        }
        Shell::Fish => {
            let mut out = String::new();
            for program in ["standfast", "keepalived"] {
                for flag in FLAGS {
                    let _ = writeln!(out, "complete -c {program} -l {} -d '{}'", flag.long, flag.doc.replace('\'', "\\'"));
                }
            }
            for command in ["check", "dump", "compatibility", "completions", "manual"] {
                let _ = writeln!(out, "complete -c standfast -n __fish_use_subcommand -a {command}");
            }
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shells_learn_every_option() {
        for flag in FLAGS {
            assert!(completions(Shell::Bash).contains(&format!("--{}", flag.long)));
            assert!(completions(Shell::Fish).contains(&format!("-l {} ", flag.long)));
        }
    }
}
