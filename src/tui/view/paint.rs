//! The last step of a frame: the ground a theme paints, and no colour the terminal does not have.
//!
//! One step after the drawing, so that nothing can be forgotten: output of programs brings colours of its own.

use ratatui::buffer::Buffer;
use ratatui::style::Color;

use crate::tui::theme::color::within;
use crate::tui::theme::{Theme, Tone};

/// Paints what has no colour yet and replaces colours the terminal does not have.
pub fn finish(buffer: &mut Buffer, theme: &Theme) {
    let ground = theme.style(Tone::Text);
    let letters = ground.fg.unwrap_or(Color::Reset);
    let paper = ground.bg.unwrap_or(Color::Reset);
    for cell in &mut buffer.content {
        cell.fg = shown(cell.fg, letters, theme);
        cell.bg = shown(cell.bg, paper, theme);
    }
}

fn shown(color: Color, ground: Color, theme: &Theme) -> Color {
    match color {
        Color::Reset => ground,
        color => within(color, theme.colors).unwrap_or(Color::Reset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Colors;
    use crate::tui::theme::shelf::Shelf;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn foreign_colours_become_those_the_terminal_has() {
        let shelf = Shelf::built_in();
        for (colors, name, letters, paper) in [
            (Colors::None, "dark", Color::Reset, Color::Reset),
            (Colors::Sixteen, "terminal", Color::LightRed, Color::Reset),
            (
                Colors::TwoFiftySix,
                "dark",
                Color::Indexed(196),
                Color::Indexed(234),
            ),
            (
                Colors::True,
                "dark",
                Color::Rgb(255, 0, 0),
                Color::Rgb(28, 28, 28),
            ),
        ] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 2, 1));
            let red = Style::new().fg(Color::Rgb(255, 0, 0));
            buffer.set_string(0, 0, "x", red);
            finish(&mut buffer, &shelf.theme(name, colors));
            assert_eq!((buffer[(0, 0)].fg, buffer[(1, 0)].bg), (letters, paper));
        }
    }
}
