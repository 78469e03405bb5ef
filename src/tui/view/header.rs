//! The two lines on top: where one is and how things stand; and the tabs.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::command::Stop;
use crate::app::notice::Link;
use crate::domain::lease::Verdict;
use crate::domain::plan::model::Plan;
use crate::domain::report::flows::OpenFlow;
use crate::domain::report::worker::Leadership;
use crate::present::words::count;
use crate::tui::danger::Standing;
use crate::tui::model::{Area, Model};
use crate::tui::others;
use crate::tui::rows::course::progress;
use crate::tui::theme::Tone;
use crate::tui::view::pen::Pen;
use crate::tui::words::{between, ticking, width};

/// A piece of the header; the smaller the rank, the longer it stays when room gets scarce.
struct Piece {
    rank: u8,
    parts: Vec<(String, Tone)>,
}

impl Piece {
    fn new(rank: u8, parts: Vec<(String, Tone)>) -> Self {
        Self { rank, parts }
    }
    fn width(&self) -> usize {
        self.parts.iter().map(|(text, _)| width(text)).sum()
    }
}

/// Draws the first line.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let mut pieces = pieces(model);
    let room = usize::from(area.width);
    let total = |pieces: &[Piece]| pieces.iter().map(|p| p.width() + 2).sum::<usize>() + 1;
    while pieces.len() > 1 && total(&pieces) > room + 2 {
        let least = pieces
            .iter()
            .enumerate()
            .max_by_key(|(_, piece)| piece.rank)
            .map_or(0, |(index, _)| index);
        pieces.remove(least);
    }
    let pen = Pen {
        theme: model.theme(),
    };
    let mut spans: Vec<Span<'static>> = vec![Span::raw(" ")];
    for piece in pieces {
        spans.extend(piece.parts.iter().map(|(text, tone)| pen.span(text, *tone)));
        spans.push(Span::raw("  "));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

fn pieces(model: &Model) -> Vec<Piece> {
    let mut pieces = vec![name(model)];
    pieces.extend(environment(model));
    if model.options.read_only {
        pieces.push(Piece::new(1, vec![("read-only".into(), Tone::Warn)]));
    }
    pieces.extend(rooms(model));
    pieces.extend(run(model));
    pieces.extend(faults(model));
    pieces.extend(flows(model));
    pieces.extend(plan(model));
    pieces.extend(lock(model));
    pieces.extend(worker(model));
    pieces.extend(link(model));
    pieces
}

/// The actions of the file that began and are not over.
fn unfinished(model: &Model) -> &[OpenFlow] {
    let status = model.snapshot.status.as_deref();
    status.map_or(&[], |status| status.flows.as_slice())
}

/// An action that stopped on its way: that nothing else is to be done is no comfort.
fn flows(model: &Model) -> Option<Piece> {
    if model.running().is_some() {
        return None;
    }
    let what = match unfinished(model) {
        [] => return None,
        [one] => format!("action {}", one.name),
        more => count(more.len(), "action"),
    };
    // While somebody else is at work, it may be going on.
    let (rank, text, tone) = match others::holder(&model.snapshot) {
        Some(_) => (3, format!("◐ {what}"), Tone::Busy),
        None => (1, format!("! {what} unfinished"), Tone::Warn),
    };
    Some(Piece::new(rank, vec![(text, tone)]))
}

/// The file has errors, so that what is shown of the project is what it was before.
fn faults(model: &Model) -> Option<Piece> {
    let faulty = model.snapshot.is_faulty();
    faulty.then(|| Piece::new(1, vec![("✗ file has errors".into(), Tone::Fail)]))
}

fn name(model: &Model) -> Piece {
    let text = match model.snapshot.known() {
        // A file that never was good names nothing; the room is named after its folder.
        None => match model.around.here() {
            Some(place) if !place.name.is_empty() => place.name.clone(),
            Some(_) | None => "nanokit".to_owned(),
        },
        Some(project) => match &project.component {
            Some(component) => format!("{}/{component}", project.name),
            None => project.name.to_string(),
        },
    };
    Piece::new(0, vec![(text, Tone::Title)])
}

/// The environment in a word, a symbol and a colour.
fn environment(model: &Model) -> Option<Piece> {
    let asked = || model.around.here()?.env.as_deref();
    let known = model.snapshot.known();
    let env = known.map(|project| project.env.as_str()).or_else(asked)?;
    let (symbol, tone) = match Standing::of(env) {
        Standing::Production => ("▲", Tone::EnvProduction),
        Standing::Shared => ("◆", Tone::EnvShared),
        Standing::Own => ("○", Tone::EnvSafe),
    };
    let word = if tone == Tone::EnvProduction {
        env.to_uppercase()
    } else {
        env.to_owned()
    };
    Some(Piece::new(0, vec![(format!("{symbol} {word}"), tone)]))
}

/// The other open rooms, each with how it stands.
fn rooms(model: &Model) -> Option<Piece> {
    let tabs = &model.around.tabs;
    let here = tabs.iter().position(|tab| tab.shown)?;
    if tabs.len() < 2 {
        return None;
    }
    let mut parts = vec![(format!("[{}/{}]", here + 1, tabs.len()), Tone::Dim)];
    for tab in tabs.iter().filter(|tab| !tab.shown) {
        let text = format!(" {} {}", tab.mark.symbol(), tab.place.title());
        parts.push((text, tab.mark.tone()));
    }
    Some(Piece::new(2, parts))
}

fn run(model: &Model) -> Option<Piece> {
    let run = model.running()?;
    let (done, total) = progress(run);
    let time = ticking(between(run.started, model.now));
    let stage = match (model.stopping, run.stage.as_str()) {
        (Stop::Drain, _) => " stopping".to_owned(),
        (Stop::Cancel, _) => " cutting off".to_owned(),
        (Stop::Run, "execute" | "") => String::new(),
        (Stop::Run, stage) => format!(" ({stage})"),
    };
    let text = format!("◐ {} {done}/{total}{stage} {time}", run.command);
    Some(Piece::new(1, vec![(text, Tone::Busy)]))
}

fn plan(model: &Model) -> Option<Piece> {
    if model.running().is_some() || model.snapshot.is_faulty() {
        return None;
    }
    if model.snapshot.trouble.is_some() {
        return Some(Piece::new(1, vec![("! plan failed".into(), Tone::Fail)]));
    }
    let Some(plan) = &model.snapshot.plan else {
        return Some(Piece::new(3, vec![("plan: none yet".into(), Tone::Dim)]));
    };
    if model.snapshot.plan_stale.is_some() {
        return Some(Piece::new(2, vec![("plan: STALE".into(), Tone::Warn)]));
    }
    if plan.is_empty() {
        let as_planned = || Piece::new(3, vec![("✓ as planned".into(), Tone::Ok)]);
        return unfinished(model).is_empty().then(as_planned);
    }
    let summary = plan.summary();
    let mut parts = vec![("plan:".to_owned(), Tone::Text)];
    for (symbol, number, tone) in [
        ("+", summary.create, Tone::Added),
        ("~", summary.update, Tone::Changed),
        ("-", summary.delete, Tone::Removed),
        (">", summary.run, Tone::Text),
        ("⇄", counting(model, plan), Tone::Drift),
    ] {
        if number > 0 {
            parts.push((format!(" {symbol}{number}"), tone));
        }
    }
    let drift = model.snapshot.drift.as_ref();
    match drift.map_or(0, |drift| drift.ignored_fields()) {
        0 => {}
        ignored => parts.push((format!(" ({ignored} ignored)"), Tone::Dim)),
    }
    Some(Piece::new(2, parts))
}

/// Counts what drifted by the plan, without what somebody decided to live with.
fn counting(model: &Model, plan: &Plan) -> usize {
    let drift = model.snapshot.drift.as_ref();
    let is_ignored = |address| drift.is_some_and(|drift| drift.ignores(address));
    let drifted = plan.actions.iter().filter(|action| action.has_drift());
    drifted
        .filter(|action| !is_ignored(&action.address))
        .count()
}

fn lock(model: &Model) -> Option<Piece> {
    let report = model.snapshot.lock.as_ref()?;
    let holder = report
        .record
        .as_ref()
        .map_or_else(String::new, |record| format!(" {}", record.holder.user));
    let record = report.record.as_ref();
    let ours = record.is_some_and(|record| others::is_ours(&model.snapshot, record));
    if let Some(record) = others::holder(&model.snapshot) {
        let text = format!("lock: {}", others::short(report, record));
        return Some(Piece::new(1, vec![(text, Tone::Warn)]));
    }
    let word = report.verdict.as_str().to_uppercase();
    let (rank, text, tone) = match report.verdict {
        Verdict::Free => (5, "lock: free".to_owned(), Tone::Dim),
        Verdict::Alive if ours => (5, "lock: ours".to_owned(), Tone::Dim),
        Verdict::Dead | Verdict::Expired => (1, format!("lock: {word}{holder}"), Tone::Fail),
        Verdict::Alive | Verdict::Unknown => (2, format!("lock: {word}{holder}"), Tone::Warn),
    };
    Some(Piece::new(rank, vec![(text, tone)]))
}

/// What the workers of the project do, in a word.
fn worker(model: &Model) -> Option<Piece> {
    let workers = &model.snapshot.workers;
    let leader = workers
        .iter()
        .find(|one| one.leadership == Leadership::Leads)
        .or(workers.first());
    let Some(report) = leader else {
        let silent = !model.silent.is_empty();
        return silent.then(|| Piece::new(2, vec![("worker: silent".into(), Tone::Fail)]));
    };
    let (rank, word, tone) = match (report.pending.len(), report.restoring.is_empty()) {
        _ if report.platform.is_err() => (3, "worker: no platform".to_owned(), Tone::Fail),
        _ if report.config_fault.is_some() => (3, "worker: old file".to_owned(), Tone::Warn),
        (_, false) => (2, "worker: restoring".to_owned(), Tone::Busy),
        (0, true) if report.leadership != Leadership::Leads => {
            (4, "worker: does not lead".to_owned(), Tone::Warn)
        }
        (0, true) => (5, "worker: watches".to_owned(), Tone::Dim),
        (some, true) => (2, format!("worker: {some} to restore"), Tone::Warn),
    };
    Some(Piece::new(rank, vec![(word, tone)]))
}

fn link(model: &Model) -> Option<Piece> {
    let (rank, text, tone) = match &model.snapshot.link {
        // Nobody is asked before the file says who.
        Link::Connecting if model.snapshot.is_faulty() => return None,
        Link::Connecting => (4, "◐ connecting".to_owned(), Tone::Busy),
        Link::Up(what) => (6, format!("● {what}"), Tone::Ok),
        Link::Down(why) => (1, format!("✗ platform down: {why}"), Tone::Fail),
    };
    Some(Piece::new(rank, vec![(text, tone)]))
}

/// One tab and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// Where it leads.
    pub area: Area,
    /// What it says.
    pub text: String,
    /// Its first column, from the left edge of the line.
    pub at: u16,
    /// Its columns.
    pub columns: u16,
}

/// Places the tabs in a line of so many columns. Where there is little room, what is said last is the names of the
/// areas nobody is in: that a run failed or something drifted has to be seen from everywhere.
#[must_use]
pub fn placed(model: &Model, room: u16) -> Vec<Tab> {
    let room = usize::from(room);
    let texts = [(true, true), (true, false), (false, false)].map(|(named, roomy)| {
        let text = |(index, tab): (usize, &Area)| {
            let mut text = format!(" {}", index + 1);
            if named || *tab == model.area {
                text.push_str(&format!(" {}", tab.title()));
            }
            text.push_str(&badge(model, *tab));
            if roomy {
                text.push(' ');
            }
            (*tab, text)
        };
        Area::ALL.iter().enumerate().map(text).collect::<Vec<_>>()
    });
    let fits = |texts: &&Vec<(Area, String)>| {
        texts.iter().map(|(_, text)| width(text) + 1).sum::<usize>() <= room
    };
    let chosen = texts.iter().find(fits).or(texts.last());
    let mut tabs = Vec::new();
    let mut at = 0;
    for (area, text) in chosen.into_iter().flatten() {
        let columns = width(text);
        if at + columns > room {
            break;
        }
        let cells = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        tabs.push(Tab {
            area: *area,
            text: text.clone(),
            at: cells(at),
            columns: cells(columns),
        });
        at += columns + 1;
    }
    tabs
}

/// Draws the tabs.
pub fn tabs(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let pen = Pen {
        theme: model.theme(),
    };
    let mut spans = Vec::new();
    for tab in placed(model, area.width) {
        let tone = if tab.area == model.area {
            Tone::Tab
        } else {
            Tone::Text
        };
        spans.push(pen.span(tab.text, tone));
        spans.push(Span::raw(" "));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

fn badge(model: &Model, area: Area) -> String {
    match area {
        Area::Services | Area::Locks | Area::History => String::new(),
        Area::Plan => model
            .snapshot
            .plan
            .as_ref()
            .map_or_else(String::new, |plan| {
                match plan
                    .actions
                    .iter()
                    .filter(|action| !action.is_noop())
                    .count()
                {
                    0 => String::new(),
                    number => format!(" {number}"),
                }
            }),
        Area::Run => match &model.snapshot.run {
            None => String::new(),
            Some(run) => match &run.finished {
                None => " ◐".to_owned(),
                Some((_, outcome, ..)) if outcome == "ok" && !run.warnings.is_empty() => {
                    " !".to_owned()
                }
                Some((_, outcome, ..)) if outcome == "ok" => " ✓".to_owned(),
                Some(_) => " ✗".to_owned(),
            },
        },
        Area::Drift => model
            .snapshot
            .drift
            .as_ref()
            .filter(|drift| !drift.drifted.is_empty())
            .map_or_else(String::new, |drift| format!(" ⇄{}", drift.drifted.len())),
    }
}
