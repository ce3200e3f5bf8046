//! Writing the language: lines, blocks and words.

/// Text in the making, indented by block.
#[derive(Debug, Default)]
pub struct Dump {
    text: String,
    depth: usize,
}

impl Dump {
    pub fn line(&mut self, line: &str) {
        for _ in 0..self.depth {
            self.text.push_str("    ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub fn open(&mut self, header: &str) {
        self.line(&format!("{header} {{"));
        self.depth += 1;
    }

    pub fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.line("}");
    }

    pub fn into_text(self) -> String {
        self.text
    }
}

/// A word as the language takes it: quoted where a blank, a brace or a comment sign would break it up. No word holds a
/// double quote: there is no way to write one.
pub fn word(text: &str) -> String {
    let plain = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_graphic() || b >= 0x80)
        && !text.contains(['"', '{', '}', '#', '!', '$', '\\'])
        && !text.starts_with(['@', '~']);
    if plain { text.to_owned() } else { format!("\"{text}\"") }
}
