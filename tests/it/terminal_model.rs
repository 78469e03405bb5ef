//! A terminal that remembers everything it was told to do beside showing text, and the corpus of what it may be told.

use std::num::NonZeroU16;

/// What stands on the screen before anything of ours is written.
const ABOVE: &str = "what stood here before";

/// One entry of the corpus: a name and bytes.
pub(crate) type Escape = (String, Vec<u8>);

/// Reads the corpus.
pub(crate) fn corpus() -> Vec<Escape> {
    include_str!("../fixtures/escapes.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, text) = line.split_once(' ').expect("a name and bytes");
            (name.to_owned(), bytes_of(text))
        })
        .collect()
}

/// All entries that are text, each between two words, as lines.
pub(crate) fn text_lines() -> Vec<String> {
    corpus()
        .into_iter()
        .filter_map(|(name, bytes)| {
            let text = String::from_utf8(bytes).ok()?;
            Some(format!("{name}<{text}>"))
        })
        .collect()
}

/// All entries as a program prints them, one a line; text follows what never ends.
pub(crate) fn printed() -> Vec<u8> {
    let mut all = Vec::new();
    for (name, bytes) in corpus() {
        all.extend(name.as_bytes());
        all.push(b'<');
        all.extend(bytes);
        all.extend(b">\n");
    }
    all
}

fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().expect("an escape") {
            b'e' => 0x1b,
            b'r' => b'\r',
            b't' => b'\t',
            b'a' => 7,
            b'b' => 8,
            b'x' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).expect("two digits")
            }
            other => other,
        });
    }
    bytes
}

/// Everything beside text and colours.
#[derive(Default)]
struct Told(Vec<String>);

impl Told {
    fn add(&mut self, what: &str, about: &[u8]) {
        let about = String::from_utf8_lossy(about);
        self.0.push(format!("{what} {about:?}"));
    }
}

impl vt100::Callbacks for Told {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.add("bell", b"");
    }
    fn visual_bell(&mut self, _: &mut vt100::Screen) {
        self.add("flash", b"");
    }
    fn resize(&mut self, _: &mut vt100::Screen, _: (u16, u16)) {
        self.add("resize", b"");
    }
    fn set_window_icon_name(&mut self, _: &mut vt100::Screen, name: &[u8]) {
        self.add("icon", name);
    }
    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.add("title", title);
    }
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.add("clipboard", data);
    }
    fn paste_from_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8]) {
        self.add("reads the clipboard", b"");
    }
    fn unhandled_char(&mut self, _: &mut vt100::Screen, c: char) {
        // Stands for what is no text.
        if c != '\u{fffd}' {
            self.add("control", c.to_string().as_bytes());
        }
    }
    fn unhandled_control(&mut self, _: &mut vt100::Screen, byte: u8) {
        self.add("control", &[byte]);
    }
    fn unhandled_escape(&mut self, _: &mut vt100::Screen, _: Option<u8>, _: Option<u8>, byte: u8) {
        self.add("escape", &[byte]);
    }
    fn unhandled_csi(
        &mut self,
        _: &mut vt100::Screen,
        first: Option<u8>,
        _: Option<u8>,
        numbers: &[&[u16]],
        last: char,
    ) {
        // Drawing all at once is what the renderer asks for; the model does not know it.
        let at_once = first == Some(b'?') && matches!(numbers, [[2026]]) && "hl".contains(last);
        let mode = first == Some(b'?') && matches!(numbers, [[1015 | 47]]);
        // The colour of underlines goes back to that of the text.
        let known = mode || (first.is_none() && last == 'm' && matches!(numbers, [[59]]));
        if !at_once && !known {
            self.0
                .push(format!("sequence {first:?} {numbers:?} {last:?}"));
        }
    }
    fn unhandled_osc(&mut self, _: &mut vt100::Screen, text: &[&[u8]]) {
        self.add("command", &text.concat());
    }
}

/// The terminal.
pub(crate) struct Model(vt100::Parser<Told>);

impl Model {
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        let cells = |number| NonZeroU16::new(number).expect("not empty");
        let mut parser =
            vt100::Parser::new_with_callbacks(cells(rows), cells(columns), 0, Told::default());
        parser.process(format!("{ABOVE}\r\n").as_bytes());
        Self(parser)
    }

    /// A terminal that has shown everything a command wrote; its lines end as a pipe's do.
    pub(crate) fn shown(text: &str) -> Self {
        // As high as it takes, so that nothing scrolls away.
        let rows = text.lines().map(|line| line.len() / 200 + 1).sum::<usize>() + 8;
        let mut model = Self::new(200, u16::try_from(rows).expect("some thousand lines"));
        model.take(text.replace('\n', "\r\n").as_bytes());
        model
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.0.process(bytes);
    }

    /// What differs from a terminal that has only shown text.
    pub(crate) fn changes(&self) -> Vec<String> {
        let mut changes = self.0.callbacks().0.clone();
        let screen = self.0.screen();
        let mut note = |is: bool, what: &str| {
            if is {
                changes.push(what.to_owned());
            }
        };
        note(screen.alternate_screen(), "the alternate screen");
        note(screen.application_keypad(), "another keypad");
        note(screen.application_cursor(), "other cursor keys");
        note(screen.hide_cursor(), "no cursor");
        note(screen.bracketed_paste(), "marked pastes");
        let mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
        note(mouse, "the mouse");
        let colours = [screen.fgcolor(), screen.bgcolor()];
        note(colours != [vt100::Color::Default; 2], "colours");
        let looks = [
            screen.bold(),
            screen.dim(),
            screen.italic(),
            screen.underline(),
            screen.inverse(),
        ];
        note(looks.contains(&true), "looks");
        let first = screen.rows(0, screen.size().1.get()).next();
        note(first.as_deref() != Some(ABOVE), "what stood above");
        changes
    }

    /// Requires that nothing but text was shown.
    #[track_caller]
    pub(crate) fn is_untouched(&self, what: &str) {
        let changes = self.changes();
        assert!(
            changes.is_empty(),
            "{what} changes a terminal: {changes:?}\n{}",
            self.contents()
        );
    }

    pub(crate) fn contents(&self) -> String {
        self.0.screen().contents()
    }

    /// Where the cursor is, the row first.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.0.screen().cursor_position()
    }
}

/// Requires that bytes hold only text, line breaks and colours, so that a terminal can do nothing but show it.
#[track_caller]
pub(crate) fn is_text(what: &str, text: &str) {
    let bare = without_colours(text);
    let odd = bare.char_indices().find(|(_, c)| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
                | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
    });
    if let Some((at, c)) = odd {
        let before: String = bare[..at].chars().rev().take(60).collect();
        let before: String = before.chars().rev().collect();
        panic!("{what} prints {c:?} behind {before:?}");
    }
}

fn without_colours(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        bare.push_str(before);
        let end = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match end.strip_prefix('m') {
            Some(behind) => rest = behind,
            None => {
                bare.push('\u{1b}');
                rest = after;
            }
        }
    }
    bare.push_str(rest);
    bare
}

#[test]
fn the_model_notices_what_the_corpus_does() {
    let mut noticed = 0;
    let all = corpus();
    for (_, bytes) in &all {
        let mut model = Model::new(80, 24);
        model.take(bytes);
        noticed += usize::from(!model.changes().is_empty());
    }
    // The rest moves the cursor, fools a reader, or is beyond the model and caught by looking at the bytes.
    assert!(all.len() >= 60, "{}", all.len());
    assert!(noticed * 2 > all.len(), "{noticed} of {}", all.len());
    let text = String::from_utf8_lossy(&printed()).into_owned();
    let found = std::panic::catch_unwind(|| is_text("the corpus", &text));
    assert!(found.is_err(), "the corpus is more than text");
}
