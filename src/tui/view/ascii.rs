//! ASCII only: every cell that is not gets its likeness, as the last step of a frame.
//!
//! One table after the drawing, instead of a choice at every symbol, so that nothing can be forgotten.

use ratatui::buffer::Buffer;

/// Symbols the panel draws, and what stands for them.
const LIKENESS: [(&str, &str); 34] = [
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
    ("✓", "/"),
    ("✗", "x"),
    ("»", ">"),
    ("•", "."),
    ("·", "."),
    ("…", "~"),
    ("→", ">"),
    ("⇄", "!"),
    ("▏", "|"),
    ("█", "#"),
    ("║", "|"),
    ("↑", "^"),
    ("↓", "v"),
    ("’", "'"),
];

/// Replaces everything in a frame that is not ASCII.
pub fn flatten(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let likeness = LIKENESS
            .iter()
            .find(|(symbol, _)| *symbol == cell.symbol())
            .map_or("?", |(_, likeness)| likeness);
        cell.set_symbol(likeness);
    }
}
