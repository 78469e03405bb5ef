//! Doing what a model asks for, and reading what the mouse did.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::tui::bundle;
use crate::tui::effect::Effect;
use crate::tui::msg::{Msg, Pointer, Press};
use crate::tui::rooms::doors::Keepsake;
use crate::tui::runtime::Panel;
use crate::tui::spool::Job;
use crate::tui::terminal::Screen;

impl Panel<'_> {
    fn spool(&mut self, index: usize, job: Job) {
        let refused = self.house.room(index).and_then(|room| room.spool.give(job));
        if let Some(refused) = refused {
            self.tell(index, refused);
        }
    }

    pub(super) fn carry_out(&mut self, index: usize, effect: Effect) {
        match effect {
            Effect::Send { command, wish } => {
                let ticket = self
                    .house
                    .room(index)
                    .and_then(|room| room.line.handle.send(command));
                self.tell(index, Msg::Sent(wish, ticket));
            }
            Effect::Spill(spill) => self.spool(index, Job::Spill(spill)),
            Effect::Fetch(fetch) => self.spool(index, Job::Fetch(fetch)),
            Effect::Save(saving) => self.spool(index, Job::Save(saving)),
            Effect::More => {
                if let Some(room) = self.house.room(index) {
                    room.more = true;
                }
            }
            Effect::Copy(text) => {
                let tmux = self
                    .house
                    .room(index)
                    .is_some_and(|room| room.model.options.tmux);
                let copied = self.screen.as_ref().map(|screen| screen.copy(&text, tmux));
                if matches!(copied, Some(Err(_))) {
                    self.lost();
                }
            }
            Effect::Enter(place) => self.enter(&place),
            Effect::Beside(doors) => self.show(self.house.beside(doors)),
            Effect::LookAround => self.look_around(index),
            Effect::Errand(errand) => self.errand(index, errand),
            Effect::Keep(keepsake) => self.keep(index, &keepsake),
            Effect::Bundle => {
                let parts = self
                    .house
                    .room(index)
                    .map(|room| bundle::parts(&room.model, &self.recorder));
                self.keep(index, &Keepsake::Bundle(parts.unwrap_or_default()));
            }
            Effect::Mouse(on) => {
                let taken = self.screen.as_mut().map(|screen| screen.mouse(on));
                if matches!(taken, Some(Err(_))) {
                    self.lost();
                }
            }
            Effect::Suspend => self.suspend(),
            Effect::Redraw => {
                let cleared = self.screen.as_mut().map(Screen::clear);
                if matches!(cleared, Some(Err(_))) {
                    self.lost();
                }
            }
            Effect::LeaveAll => self.leave_others(index),
            Effect::Quit => self.quit(index),
        }
    }
}

/// Reads a mouse event of the terminal.
pub(super) fn pointer(event: MouseEvent) -> Option<Pointer> {
    let press = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => Press::Down,
        MouseEventKind::Drag(MouseButton::Left) => Press::Drag,
        MouseEventKind::Up(MouseButton::Left) => Press::Up,
        MouseEventKind::ScrollUp => Press::WheelUp,
        MouseEventKind::ScrollDown => Press::WheelDown,
        MouseEventKind::Down(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => return None,
    };
    Some(Pointer {
        press,
        x: event.column,
        y: event.row,
    })
}
