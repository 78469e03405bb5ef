//! ASCII only: every cell that is not gets its likeness, as the last step of a frame.
//!
//! One table after the drawing, instead of a choice at every symbol, so that nothing can be forgotten.

use ratatui::buffer::Buffer;

/// Symbols the panel draws, and what stands for them.
const LIKENESS: [(&str, &str); 60] = [
    ("▁", "."),
    ("▂", ":"),
    ("▃", "-"),
    ("▄", "="),
    ("▅", "+"),
    ("▆", "*"),
    ("▇", "%"),
    ("■", "#"),
    ("─", "-"),
    ("│", "|"),
    ("┌", "+"),
    ("┐", "+"),
    ("└", "+"),
    ("┘", "+"),
    ("├", "+"),
    ("┤", "+"),
    ("╭", "+"),
    ("╮", "+"),
    ("╰", "+"),
    ("╯", "+"),
    ("━", "="),
    ("▸", ">"),
    ("▾", "v"),
    ("●", "*"),
    ("○", "o"),
    ("◐", "%"),
    ("◆", "#"),
    ("▲", "^"),
    ("✓", "Y"),
    ("✗", "x"),
    ("»", ">"),
    ("•", "."),
    ("·", "."),
    ("…", "~"),
    ("→", ">"),
    ("⇄", "&"),
    ("▏", "|"),
    ("█", "#"),
    ("║", "|"),
    ("↑", "^"),
    ("↓", "v"),
    ("’", "'"),
    ("┄", "."),
    ("‖", "|"),
    ("▼", "v"),
    ("≈", "~"),
    ("×", "x"),
    ("⋮", ":"),
    ("┬", "+"),
    ("┴", "+"),
    ("┼", "+"),
    ("┃", "#"),
    ("┏", "#"),
    ("┓", "#"),
    ("┗", "#"),
    ("┛", "#"),
    ("╌", "."),
    ("╎", ":"),
    ("↻", "@"),
    ("↪", "\\"),
];

/// Returns what stands for a symbol.
#[must_use]
pub fn likeness(symbol: &str) -> Option<&'static str> {
    let known = LIKENESS.iter().find(|(known, _)| *known == symbol);
    known.map(|(_, likeness)| *likeness)
}

/// Replaces everything in a frame that is not ASCII.
pub fn flatten(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let likeness = likeness(cell.symbol()).unwrap_or_else(|| rest(cell.symbol()));
        cell.set_symbol(likeness);
    }
}

/// What has no row of its own: joints of lines, and everything foreign.
fn rest(symbol: &str) -> &'static str {
    if symbol.starts_with(|sign| ('\u{2500}'..='\u{257f}').contains(&sign)) {
        "+"
    } else {
        "?"
    }
}
