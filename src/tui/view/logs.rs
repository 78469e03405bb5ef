//! Output of a service over the whole middle; only the lines on the screen are looked at.

use ansi_to_tui::IntoText;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::domain::event::Stream;
use crate::present::clean;
use crate::tui::logs::LogView;
use crate::tui::model::Model;
use crate::tui::tail::Tail;
use crate::tui::theme::{Colors, Tone};
use crate::tui::view::pen::Pen;
use crate::tui::words::{cut, skip};

/// Draws the view.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, view: &LogView) {
    let pen = Pen {
        theme: model.theme(),
    };
    let height = usize::from(area.height.saturating_sub(2));
    let window = view.tail.window(view.lines(), height);
    let room = usize::from(area.width.saturating_sub(4));
    let title = clean::line(&title(view, window.newer));
    let title = cut(&title, room);
    let mut block = Block::bordered()
        .border_style(model.theme().style(Tone::FrameFocus))
        .title(pen.line(&[(&format!(" {title} "), Tone::FrameFocus)]));
    if let Some(ended) = &view.ended {
        let ended = cut(ended, room);
        block = block.title_bottom(pen.line(&[(&format!(" {ended} "), Tone::Warn)]));
    }
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let lines: Vec<Line<'static>> = if view.is_empty() {
        vec![pen.line(&[("no output yet", Tone::Dim)])]
    } else {
        window
            .lines
            .into_iter()
            .map(|line| {
                let tone = match line.stream {
                    Stream::Stdout => Tone::Text,
                    Stream::Stderr => Tone::Warn,
                    Stream::Engine => Tone::Dim,
                };
                let source = line.source.strip_prefix("service.").unwrap_or(&line.source);
                let mut all = vec![pen.span(format!("{source} | "), Tone::Dim)];
                all.extend(spans(pen, &line.text, tone, view.across));
                Line::from(all)
            })
            .collect()
    };
    frame.render_widget(Paragraph::new(lines), inner);
}

/// Says whose output it is, where the reader is, and what is missing.
fn title(view: &LogView, newer: usize) -> String {
    let mut words = vec![match view.tail {
        Tail::Following if view.ended.is_none() => "following".to_owned(),
        Tail::Following => "at the end".to_owned(),
        Tail::Held { .. } => format!("paused, {newer} new lines, G follows"),
    }];
    if !view.filter.is_empty() {
        words.push(format!("/{}", view.filter));
    }
    if view.across > 0 {
        words.push(format!("from column {}", view.across + 1));
    }
    if view.lost > 0 {
        words.push(format!("{} lines lost", view.lost));
    }
    if view.dropped() > 0 {
        words.push(format!("{} older lines left out", view.dropped()));
    }
    format!("logs of {}: {}", view.service, words.join(", "))
}

/// Writes a line of foreign output: its colours stay where colours are shown, every other escape goes.
#[must_use]
pub fn spans(pen: Pen, text: &str, tone: Tone, across: usize) -> Vec<Span<'static>> {
    if text.contains('\u{1b}')
        && pen.theme.colors == Colors::Sixteen
        && let Ok(parsed) = text.into_text()
        && let Some(line) = parsed.lines.into_iter().next()
    {
        let mut left = across;
        let base = pen.theme.style(tone);
        return line
            .spans
            .into_iter()
            .map(|span| {
                let clean = pen.span(&span.content, tone).content.into_owned();
                let rest = skip(&clean, left).to_owned();
                left = left.saturating_sub(crate::tui::words::width(&clean));
                Span::styled(rest, base.patch(span.style))
            })
            .collect();
    }
    let clean = pen.span(strip(text), tone).content.into_owned();
    vec![pen.span(skip(&clean, across), tone)]
}

/// Leaves out `ESC [ … letter` sequences; what else is harmful goes when the text is written.
fn strip(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        kept.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic());
        rest = end.and_then(|end| after.get(end + 1..)).unwrap_or("");
    }
    kept.push_str(rest);
    kept
}
