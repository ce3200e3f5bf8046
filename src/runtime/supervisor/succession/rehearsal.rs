//! The rehearsal of an upgrade, in the new program; and what the old one makes of it.

use super::super::brief::Brief;
use super::super::child::End;
use super::super::part::Part;
use super::super::verdict;
use super::will::{Will, preamble};
use super::{REHEARSAL, Refusal, contents, numbers, redecided};
use crate::cli::Options;
use crate::config::Loaded;
use crate::runtime::reading;
use crate::sys::descriptor::inherited;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// The first line of every answer. Who does not say this is somebody else.
const GREETING: &str = "standfast, rehearsing\n";
const GOOD: &str = "good\n";
const UNUSABLE: &str = "unusable\n";
const STRANGER: &str = "stranger\n";

/// What the old program hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Good,
    Refused(Refusal),
}

/// Whether this is a rehearsal, instead of a configuration test for somebody; if so, it is over now, with this status.
pub(in crate::runtime) fn rehearse(options: &Options) -> Option<u8> {
    let numbers = numbers(REHEARSAL)?;
    let [will, configuration, answer] = numbers[..] else { return Some(1) };
    let files = [will, configuration, answer].map(|number| inherited(number).map(File::from));
    let [Ok(will), Ok(mut configuration), Ok(mut answer)] = files else { return Some(1) };
    let judged = contents(&will).and_then(|will| judge(&will, options.clone(), &mut configuration));
    let judged = judged.unwrap_or_else(|error| Heard::Refused(Refusal::Unusable(format!("the rehearsal failed: {error}"))));
    Some(u8::from(answer.write_all(said(&judged).as_bytes()).is_err()))
}

fn said(judged: &Heard) -> String {
    match judged {
        Heard::Good => format!("{GREETING}{GOOD}"),
        Heard::Refused(Refusal::Unusable(reason)) => format!("{GREETING}{UNUSABLE}{reason}"),
        Heard::Refused(Refusal::Stranger(reason)) => format!("{GREETING}{STRANGER}{reason}"),
    }
}

/// What is said in the place of a program that could not be executed.
pub(super) fn unexecuted(program: &Path, error: &io::Error) -> String {
    said(&Heard::Refused(Refusal::Unusable(format!("{} cannot be executed: {error}", program.display()))))
}

/// What has come of a rehearsal. A program that is not ours, or that is broken, does not know the answer.
pub(super) fn heard(answer: &File, end: End) -> Heard {
    let text = contents(answer).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let refused = match text.strip_prefix(GREETING) {
        Some(GOOD) if end == End::Exited(0) => return Heard::Good,
        Some(said) => match (said.strip_prefix(UNUSABLE), said.strip_prefix(STRANGER)) {
            (Some(reason), _) => Some(Refusal::Unusable(reason.to_owned())),
            (None, Some(reason)) => Some(Refusal::Stranger(reason.to_owned())),
            (None, None) => None,
        },
        None => None,
    };
    let how = match end {
        End::Exited(status) => format!("status {status}"),
        End::Killed(signal) => format!("{signal}"),
    };
    Heard::Refused(
        refused.unwrap_or_else(|| Refusal::Unusable(format!("the new program does not know how; its rehearsal ended with {how}"))),
    )
}

fn judge(bytes: &[u8], options: Options, configuration: &mut File) -> io::Result<Heard> {
    let will = Will::decode(bytes);
    let file = will.as_ref().and_then(|will| will.file.clone()).or_else(|| options.file.clone());
    let options = Options { file, ..options };
    let loaded = reading::read(&options);
    reading::keep(&loaded.model, configuration)?;
    let refused = |refusal| Ok(Heard::Refused(refusal));
    if let Some(reason) = unfit(&loaded, &options) {
        return refused(Refusal::Unusable(reason));
    }
    match will {
        Some(will) => Ok(contradiction(&will, &loaded, &options).map_or(Heard::Good, |reason| Heard::Refused(Refusal::Unusable(reason)))),
        None if preamble(bytes).is_some() => refused(Refusal::Stranger("the new program does not know what it would be left".to_owned())),
        None => Err(io::Error::other("there is no will")),
    }
}

/// Why no daemon should run with this.
fn unfit(loaded: &Loaded, options: &Options) -> Option<String> {
    let cut_off = || loaded.problems.cut_off().map(|block| format!("the configuration ends within a block ({block})"));
    verdict::unusable(loaded, options).map(|unusable| unusable.reason).or_else(cut_off)
}

/// Why nobody should go over to this from what there is.
fn contradiction(will: &Will, loaded: &Loaded, options: &Options) -> Option<String> {
    let brief = Brief::of(&loaded.model, verdict::unread(loaded));
    let unread = brief.unread.iter().find(|text| will.unread.iter().all(|other| **other != ***text));
    let redecided = || redecided(&will.decided, &brief).map(|keyword| format!("{keyword} cannot be changed by an upgrade"));
    let missing = || {
        let has_process = |part: Part| will.parts.iter().any(|there| there.name == part.name() && there.process.is_some());
        let lost = [(Part::Vrrp, "vrrp_instance"), (Part::Checkers, "virtual_server")];
        let lost = lost.into_iter().find(|&(part, _)| has_process(part) && !part.is_wanted(&brief, options));
        lost.map(|(_, object)| format!("the configuration has no {object} left"))
    };
    unread.map(ToString::to_string).or_else(redecided).or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::super::memory;
    use super::*;
    use nix::sys::signal::Signal;

    #[test]
    fn only_who_knows_the_answer_may_take_over() {
        let good = said(&Heard::Good);
        let unusable = Heard::Refused(Refusal::Unusable("no".to_owned()));
        let stranger = Heard::Refused(Refusal::Stranger("who?".to_owned()));
        for (text, end, want) in [
            (good.clone(), End::Exited(0), Some(Heard::Good)),
            (good, End::Killed(Signal::SIGSEGV), None),
            (said(&unusable), End::Exited(0), Some(unusable.clone())),
            (said(&stranger), End::Exited(0), Some(stranger)),
            (String::new(), End::Exited(0), None),
            ("good\n".to_owned(), End::Exited(0), None),
            (format!("{GREETING}good\nbut"), End::Exited(0), None),
        ] {
            let heard = heard(&memory("answer", text.as_bytes()).expect("a file"), end);
            match want {
                Some(want) => assert_eq!(heard, want, "{text}"),
                None => assert!(matches!(heard, Heard::Refused(Refusal::Unusable(_))), "{text}"),
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_given_up() {
        let folder = std::env::temp_dir().join(format!("standfast-rehearsal-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("k.conf");
        let options = Options { file: Some("/nowhere/k.conf".into()), ..Options::default() };
        let part = |part: Part| super::super::will::PartWill { name: part.name().to_owned(), process: Some((1, 3)), ..Default::default() };
        let instance = "vrrp_instance A {\nunicast_src_ip 127.0.0.1\nvirtual_router_id 51\nunicast_peer {\n127.0.0.2\n}\n\
                        virtual_ipaddress {\n10.0.0.1 dev lo\n}\n";
        let whole = format!("{instance}}}\n");
        let will = Will { file: Some(file.clone()), parts: vec![part(Part::Vrrp)], ..Will::default() };
        let with_services = Will { parts: vec![part(Part::Vrrp), part(Part::Checkers)], ..will.clone() };
        let decided =
            Will { decided: vec![("instance".to_owned(), "None".to_owned()), ("unheard_of".to_owned(), "x".to_owned())], ..will.clone() };
        for (will, text, want) in [
            (&will, &whole, None),
            (&with_services, &whole, Some("virtual_server")),
            (&decided, &whole, None),
            (&decided, &format!("instance x\n{whole}"), Some("instance cannot be changed")),
            (&will, &"global_defs {\n}\n".to_owned(), Some("no vrrp_instance")),
            (&will, &instance.to_owned(), Some("ends within a block")),
            (&will, &whole.replace("unicast_src_ip 127.0.0.1", "interface nowhere0"), Some("Non-existent interface")),
            (&will, &format!("include /nowhere/at/all.conf\n{whole}"), Some("/nowhere/at/all.conf")),
        ] {
            std::fs::write(&file, text).expect("a file");
            let mut configuration = memory("configuration", b"").expect("a file");
            let heard = judge(&will.encode(), options.clone(), &mut configuration).expect("judged");
            match want {
                None => {
                    assert_eq!(heard, Heard::Good, "{text}");
                    let kept = reading::Kept::new(configuration).and_then(|kept| kept.model(reading::Share::All));
                    assert_eq!(kept.expect("it was kept").vrrp.instances.len(), 1);
                }
                Some(want) => {
                    assert!(matches!(&heard, Heard::Refused(Refusal::Unusable(reason)) if reason.contains(want)), "{heard:?} {text}");
                }
            }
        }
        std::fs::write(&file, &whole).expect("a file");
        let options = Options { file: Some(file), ..Options::default() };
        let mut configuration = memory("configuration", b"").expect("a file");
        let mut other = will.encode();
        other.truncate(other.len() - 1);
        let heard = judge(&other, options.clone(), &mut configuration).expect("judged");
        assert!(matches!(heard, Heard::Refused(Refusal::Stranger(_))), "{heard:?}");
        assert!(judge(b"nothing", options, &mut configuration).is_err());
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
