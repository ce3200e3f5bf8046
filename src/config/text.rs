//! Writing the language: lines, blocks and words.

/// Text in the making, indented by block.
#[derive(Debug, Default)]
pub struct Dump {
    text: String,
    depth: usize,
    masked: bool,
}

/// What stands in the place of a password.
const MASK: &str = "********";

impl Dump {
    /// Without keys and passwords, for eyes that need not see them. It does not read back to the same meaning.
    pub fn masked() -> Self {
        Self { masked: true, ..Self::default() }
    }

    /// A word that only some may see.
    pub fn secret(&self, word: String) -> String {
        if self.masked { MASK.to_owned() } else { word }
    }

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
