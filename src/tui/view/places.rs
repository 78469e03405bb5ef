//! The list of projects and environments, narrowed by typing.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::tui::model::Model;
use crate::tui::overlay::{Choices, Palette};
use crate::tui::theme::Tone;
use crate::tui::update::rooms::places;
use crate::tui::view::palette;
use crate::tui::view::pen::Pen;
use crate::tui::words::{cut, pad, width};

/// Draws the list.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, list: &Palette) {
    let pen = Pen {
        theme: model.theme(),
    };
    let choices = places(model, list);
    let place = palette::place(model, list, area);
    let title = match (list.kind, model.around.looking) {
        (Choices::Environments, false) => " environments ",
        (Choices::Environments, true) => " environments, looking ",
        (_, false) => " projects and environments ",
        (_, true) => " projects and environments, looking ",
    };
    let block = Block::bordered()
        .border_style(model.theme().style(Tone::FrameFocus))
        .title(pen.line(&[(title, Tone::FrameFocus)]));
    frame.render_widget(Clear, place.outer);
    frame.render_widget(block, place.outer);
    let typed = pen.line(&[("> ", Tone::Key), (&list.typed, Tone::Text)]);
    frame.render_widget(Paragraph::new(typed), place.typed);
    let rows = usize::from(place.rows.height);
    let first = place.first;
    let room = usize::from(place.rows.width);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (index, choice) in choices.iter().enumerate().skip(first).take(rows) {
        let tone = choice
            .mark
            .map_or(Tone::Dim, crate::tui::rooms::tab::Mark::tone);
        let (name_tone, tone) = if index == list.cursor {
            (Tone::Selected, Tone::Selected)
        } else {
            (Tone::Text, tone)
        };
        let name = format!(" {} ", pad(&cut(&choice.place.title(), 28), 28));
        let remark = format!("{} ", pad(&cut(&choice.remark(), 26), 26));
        let left = room.saturating_sub(width(&name) + width(&remark));
        let shown = pad(&cut(&choice.place.shown, left), left);
        lines.push(pen.line(&[
            (&name, name_tone),
            (&remark, tone),
            (
                &shown,
                if index == list.cursor {
                    tone
                } else {
                    Tone::Dim
                },
            ),
        ]));
    }
    if choices.is_empty() {
        let text = if model.around.looking {
            "looking"
        } else {
            "nothing fits"
        };
        lines.push(pen.line(&[(text, Tone::Dim)]));
    }
    frame.render_widget(Paragraph::new(lines), place.rows);
    let x = place.typed.x + u16::try_from(2 + width(&list.typed)).unwrap_or(u16::MAX);
    if x < place.typed.right() && place.typed.height > 0 {
        frame.set_cursor_position(Position::new(x, place.typed.y));
    }
}
