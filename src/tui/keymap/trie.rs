//! Key sequences as a tree: a press leads to an action, to a place where more keys are awaited, or nowhere.

use std::collections::BTreeMap;

use crate::tui::keymap::action::Action;
use crate::tui::keymap::chord::Chord;

/// What a sequence of presses means so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This action.
    Action(Action),
    /// A beginning; these keys go on.
    Pending(Vec<(Chord, Option<Action>)>),
    /// Nothing.
    None,
}

/// The sequences of one context.
#[derive(Clone, Debug, Default)]
pub struct Trie {
    next: BTreeMap<Chord, Trie>,
    action: Option<Action>,
}

impl Trie {
    /// Adds a sequence; the action it would shadow or be shadowed by is returned as the error.
    ///
    /// # Errors
    /// A part of the sequence is bound already.
    pub fn add(&mut self, keys: &[Chord], action: Action) -> Result<(), Action> {
        let Some((first, rest)) = keys.split_first() else {
            return match self.action {
                Some(taken) if taken != action => Err(taken),
                _ if !self.next.is_empty() => Err(self.first_action().unwrap_or(action)),
                _ => {
                    self.action = Some(action);
                    Ok(())
                }
            };
        };
        if let Some(taken) = self.action {
            return Err(taken);
        }
        self.next.entry(*first).or_default().add(rest, action)
    }

    fn first_action(&self) -> Option<Action> {
        self.action
            .or_else(|| self.next.values().find_map(Self::first_action))
    }

    /// Looks a sequence up.
    #[must_use]
    pub fn find(&self, keys: &[Chord]) -> Found {
        let Some((first, rest)) = keys.split_first() else {
            return match self.action {
                Some(action) => Found::Action(action),
                None => Found::Pending(
                    self.next
                        .iter()
                        .map(|(chord, next)| (*chord, next.action))
                        .collect(),
                ),
            };
        };
        match self.next.get(first) {
            Some(next) => next.find(rest),
            None => Found::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Chord> {
        Chord::sequence(text).expect("keys")
    }

    #[test]
    fn sequences_are_found_pending_or_nothing() {
        let mut trie = Trie::default();
        trie.add(&keys("g g"), Action::Top).expect("free");
        trie.add(&keys("j"), Action::Down).expect("free");
        assert_eq!(trie.find(&keys("j")), Found::Action(Action::Down));
        assert_eq!(trie.find(&keys("g g")), Found::Action(Action::Top));
        assert_eq!(
            trie.find(&keys("g")),
            Found::Pending(vec![(keys("g")[0], Some(Action::Top))])
        );
        assert_eq!(trie.find(&keys("x")), Found::None);
        assert_eq!(trie.add(&keys("g"), Action::Up), Err(Action::Top));
        assert_eq!(trie.add(&keys("j j"), Action::Up), Err(Action::Down));
    }
}
