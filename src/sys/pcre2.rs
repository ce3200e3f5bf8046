//! Perl-compatible regular expressions, searched for piece by piece.

#![expect(unsafe_code, reason = "the library has an interface of pointers")]

use super::library::{Library, functions};
use std::cell::OnceCell;
use std::ffi::{c_int, c_void};
use std::fmt;
use std::io;
use std::ptr::{self, NonNull};

/// The library's opaque structures.
type Opaque = c_void;

functions! {
    /// What of pcre2.h is used.
    struct Api {
        compile: c"pcre2_compile_8" => fn(*const u8, usize, u32, *mut c_int, *mut usize, *mut Opaque) -> *mut Opaque;
        code_free: c"pcre2_code_free_8" => fn(*mut Opaque);
        error_message: c"pcre2_get_error_message_8" => fn(c_int, *mut u8, usize) -> c_int;
        pattern_info: c"pcre2_pattern_info_8" => fn(*const Opaque, u32, *mut c_void) -> c_int;
        jit_compile: c"pcre2_jit_compile_8" => fn(*mut Opaque, u32) -> c_int;
        jit_stack_create: c"pcre2_jit_stack_create_8" => fn(usize, usize, *mut Opaque) -> *mut Opaque;
        jit_stack_assign: c"pcre2_jit_stack_assign_8" => fn(*mut Opaque, *mut c_void, *mut c_void);
        jit_stack_free: c"pcre2_jit_stack_free_8" => fn(*mut Opaque);
        context_create: c"pcre2_match_context_create_8" => fn(*mut Opaque) -> *mut Opaque;
        context_free: c"pcre2_match_context_free_8" => fn(*mut Opaque);
        set_match_limit: c"pcre2_set_match_limit_8" => fn(*mut Opaque, u32) -> c_int;
        set_depth_limit: c"pcre2_set_depth_limit_8" => fn(*mut Opaque, u32) -> c_int;
        set_heap_limit: c"pcre2_set_heap_limit_8" => fn(*mut Opaque, u32) -> c_int;
        set_offset_limit: c"pcre2_set_offset_limit_8" => fn(*mut Opaque, usize) -> c_int;
        data_create: c"pcre2_match_data_create_8" => fn(u32, *mut Opaque) -> *mut Opaque;
        data_free: c"pcre2_match_data_free_8" => fn(*mut Opaque);
        ovector: c"pcre2_get_ovector_pointer_8" => fn(*mut Opaque) -> *mut usize;
        search: c"pcre2_match_8" => fn(*const Opaque, *const u8, usize, usize, u32, *mut Opaque, *mut Opaque) -> c_int;
    }
}

const UTF: u32 = 0x0008_0000;
const USE_OFFSET_LIMIT: u32 = 0x0080_0000;
const MATCH_INVALID_UTF: u32 = 0x0400_0000;
const NO_JIT: u32 = 0x0000_2000;
const PARTIAL_HARD: u32 = 0x0000_0020;
const JIT_COMPLETE: u32 = 0x0000_0001;
const JIT_PARTIAL_HARD: u32 = 0x0000_0004;
const INFO_MAXLOOKBEHIND: u32 = 15;
const ERROR_NOMATCH: c_int = -1;
const ERROR_PARTIAL: c_int = -2;
const ERROR_JIT_STACKLIMIT: c_int = -46;
const UNSET: usize = usize::MAX;

/// What a hostile text may make a search cost: steps, and kilobytes.
const MATCH_LIMIT: u32 = 1_000_000;
const HEAP_LIMIT: u32 = 32 * 1024;
/// The greatest stack that a configuration may ask for.
const LARGEST_STACK: usize = 64 << 20;

/// The compile options, in the words of the configuration.
const OPTIONS: [(&str, u32); 24] = [
    ("allow_empty_class", 0x0000_0001),
    ("alt_bsux", 0x0000_0002),
    ("auto_callout", 0x0000_0004),
    ("caseless", 0x0000_0008),
    ("dollar_endonly", 0x0000_0010),
    ("dotall", 0x0000_0020),
    ("dupnames", 0x0000_0040),
    ("extended", 0x0000_0080),
    ("firstline", 0x0000_0100),
    ("match_unset_backref", 0x0000_0200),
    ("multiline", 0x0000_0400),
    ("never_ucp", 0x0000_0800),
    ("never_utf", 0x0000_1000),
    ("no_auto_capture", 0x0000_2000),
    ("no_auto_possess", 0x0000_4000),
    ("no_dotstar_anchor", 0x0000_8000),
    ("no_start_optimize", 0x0001_0000),
    ("ucp", 0x0002_0000),
    ("ungreedy", 0x0004_0000),
    ("utf", UTF),
    ("never_backslash_c", 0x0010_0000),
    ("alt_circumflex", 0x0020_0000),
    ("alt_verbnames", 0x0040_0000),
    ("use_offset_limit", USE_OFFSET_LIMIT),
];

fn api() -> io::Result<Api> {
    thread_local! {
        static API: OnceCell<Api> = const { OnceCell::new() };
    }
    API.with(|known| {
        if let Some(api) = known.get() {
            return Ok(*api);
        }
        let api = Api::find(&Library::open(&[c"libpcre2-8.so.0"], "libpcre2-8-0")?)?;
        Ok(*known.get_or_init(|| api))
    })
}

/// A compiled pattern and what a search with it needs. It stays in its thread.
pub struct Pattern {
    api: Api,
    code: NonNull<Opaque>,
    context: NonNull<Opaque>,
    data: NonNull<Opaque>,
    stack: Option<NonNull<Opaque>>,
    lookbehind: usize,
    utf: bool,
}

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    Match {
        start: usize,
        end: usize,
    },
    /// No match begins before this place; with more of the text one may.
    NotBefore(usize),
}

impl Pattern {
    /// Compiles a pattern; options by their names, those of no option count for nothing. `stack` is what PCRE2's compiled code
    /// may use, at first and at most, in bytes.
    pub fn new<'a>(pattern: &str, options: impl IntoIterator<Item = &'a str>, stack: Option<(u64, u64)>) -> io::Result<Self> {
        let api = api()?;
        // So that a search can be told where to stop looking.
        let mut flags = USE_OFFSET_LIMIT;
        for option in options {
            flags |= OPTIONS.iter().find(|(name, _)| *name == option).map_or(0, |(_, flag)| *flag);
        }
        let utf = flags & UTF != 0;
        if utf {
            flags |= MATCH_INVALID_UTF;
        }
        let (mut error, mut offset) = (0, 0);
        // SAFETY: the pattern is as long as is said, and both results have room. Null is the library's default context.
        let code = unsafe { (api.compile)(pattern.as_ptr(), pattern.len(), flags, &raw mut error, &raw mut offset, ptr::null_mut()) };
        let Some(code) = NonNull::new(code) else {
            let text = format!("Invalid regex: '{pattern}' at offset {offset}: {}", message(api, error));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        };
        // SAFETY: null is the library's own allocator; one pair is room for where the whole match lies.
        let (context, data) = unsafe { ((api.context_create)(ptr::null_mut()), (api.data_create)(1, ptr::null_mut())) };
        let (Some(context), Some(data)) = (NonNull::new(context), NonNull::new(data)) else {
            // SAFETY: each is its own function's to free, which takes null for nothing; the code is used by nobody.
            unsafe {
                (api.context_free)(context);
                (api.data_free)(data);
                (api.code_free)(code.as_ptr());
            }
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        let mut pattern = Self { api, code, context, data, stack: None, lookbehind: 0, utf };
        pattern.prepare(stack);
        Ok(pattern)
    }

    fn prepare(&mut self, stack: Option<(u64, u64)>) {
        let Self { api, code, context, .. } = *self;
        let mut lookbehind = 0_u32;
        // SAFETY: the code is compiled, and this question is answered with a u32.
        let told = unsafe { (api.pattern_info)(code.as_ptr(), INFO_MAXLOOKBEHIND, (&raw mut lookbehind).cast()) };
        if told == 0 {
            let characters = usize::try_from(lookbehind).unwrap_or(usize::MAX);
            self.lookbehind = if self.utf { characters.saturating_mul(4) } else { characters };
        }
        // SAFETY: the context and the code are ours and live. Where the library has no compiler for this machine, it says so and
        // goes on without; what it could not compile, it does not use.
        unsafe {
            (api.set_match_limit)(context.as_ptr(), MATCH_LIMIT);
            (api.set_depth_limit)(context.as_ptr(), MATCH_LIMIT);
            (api.set_heap_limit)(context.as_ptr(), HEAP_LIMIT);
            (api.jit_compile)(code.as_ptr(), JIT_COMPLETE | JIT_PARTIAL_HARD);
        }
        if let Some((first, most)) = stack {
            let bytes = |wish: u64| usize::try_from(wish).unwrap_or(LARGEST_STACK).clamp(1, LARGEST_STACK);
            // SAFETY: null is the library's own allocator. Without a stack of its own, code uses a part of the thread's.
            self.stack = NonNull::new(unsafe { (api.jit_stack_create)(bytes(first), bytes(most), ptr::null_mut()) });
            if let Some(stack) = self.stack {
                // SAFETY: with no callback, the last argument is a stack, which lives until the context is gone.
                unsafe { (api.jit_stack_assign)(context.as_ptr(), ptr::null_mut(), stack.as_ptr()) };
            }
        }
    }

    /// How many bytes before a place have to be in the window for a search from there.
    pub fn lookbehind(&self) -> usize {
        self.lookbehind
    }

    /// Searches from `from` on for a match that begins at `latest` at the latest. Unless the window is the last of the text, what
    /// might match with more of it is no match yet.
    pub fn search(&self, window: &[u8], from: usize, latest: Option<usize>, last: bool) -> io::Result<Search> {
        let end = if last || !self.utf { window.len() } else { whole_characters(window) };
        if from > end || latest.is_some_and(|latest| latest < from) {
            return Ok(Search::NotBefore(from.max(end)));
        }
        let options = if last { 0 } else { PARTIAL_HARD };
        let mut found = self.run(&window[..end], from, latest, options);
        if found == ERROR_JIT_STACKLIMIT {
            found = self.run(&window[..end], from, latest, options | NO_JIT);
        }
        match found {
            0.. => {
                let (start, end) = self.place();
                Ok(Search::Match { start, end })
            }
            ERROR_PARTIAL => Ok(Search::NotBefore(self.place().0.max(from))),
            ERROR_NOMATCH => Ok(Search::NotBefore(end)),
            error => Err(io::Error::other(message(self.api, error))),
        }
    }

    fn run(&self, subject: &[u8], from: usize, latest: Option<usize>, options: u32) -> c_int {
        let (api, context) = (self.api, self.context.as_ptr());
        // SAFETY: the subject is as long as is said, `from` lies in it, and code, data and context are ours, live, and used by
        // nobody else meanwhile: they never leave this thread, and nothing is called back.
        unsafe {
            (api.set_offset_limit)(context, latest.unwrap_or(UNSET));
            (api.search)(self.code.as_ptr(), subject.as_ptr(), subject.len(), from, options, self.data.as_ptr(), context)
        }
    }

    /// Where the last match lies, be it a partial one.
    fn place(&self) -> (usize, usize) {
        // SAFETY: there is room for one pair, which any match fills, a partial one too.
        unsafe {
            let pair = (self.api.ovector)(self.data.as_ptr());
            (*pair, *pair.add(1))
        }
    }
}

/// Where the last character that is not whole begins, else the end.
fn whole_characters(window: &[u8]) -> usize {
    let lead = window.iter().rev().take(4).position(|byte| byte & 0xc0 != 0x80);
    let Some(back) = lead else { return window.len() };
    let at = window.len() - 1 - back;
    let length = match window[at] {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    };
    if back + 1 < length { at } else { window.len() }
}

fn message(api: Api, error: c_int) -> String {
    let mut text = [0_u8; 256];
    // SAFETY: there is room for as much as is said.
    let length = unsafe { (api.error_message)(error, text.as_mut_ptr(), text.len()) };
    match usize::try_from(length).ok().and_then(|length| text.get(..length)) {
        Some(text) => String::from_utf8_lossy(text).into_owned(),
        None => format!("error {error} of PCRE2"),
    }
}

impl Drop for Pattern {
    fn drop(&mut self) {
        // SAFETY: all are ours and used by nobody from here on; the context goes before the stack that it names.
        unsafe {
            (self.api.context_free)(self.context.as_ptr());
            (self.api.data_free)(self.data.as_ptr());
            (self.api.code_free)(self.code.as_ptr());
            if let Some(stack) = self.stack {
                (self.api.jit_stack_free)(stack.as_ptr());
            }
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern").field("lookbehind", &self.lookbehind).field("utf", &self.utf).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
