//! What is known of a chunk: how many lines it has, from where, and where it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::event::Stream;
use crate::tui::logs::chunk::{Chunk, Kind};

/// Where a chunk lies in the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub len: u32,
}

/// A chunk that is to go to disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spill {
    /// Number of the store.
    pub store: u32,
    /// Number of the chunk.
    pub chunk: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A chunk that is to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Number of the store.
    pub store: u32,
    /// Number of the chunk.
    pub chunk: usize,
    /// Where it lies.
    pub place: Place,
}

/// What is known about a chunk without its lines.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) first: u64,
    pub(super) lines: u32,
    pub(super) sources: BTreeMap<u16, u32>,
    pub(super) kinds: [u32; 4],
    pub(super) state: State,
}

/// Where a chunk is.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// In memory only.
    Here(Arc<Chunk>),
    /// In memory until it is written.
    Leaving(Arc<Chunk>),
    /// On disk.
    Away(Place),
    /// On disk, and asked for.
    Coming(Place),
    /// On disk, and in memory for a while; when it was last wanted.
    Back(Place, Arc<Chunk>, u64),
    /// Given up.
    Lost,
}

/// What can be had of a chunk now.
#[derive(Clone, Copy, Debug)]
pub enum Have<'a> {
    /// Its lines.
    Lines(&'a Chunk),
    /// Nothing yet: it is on disk.
    Away,
    /// Nothing ever again.
    Lost,
}

/// What a chunk holds, as far as it is known without its lines.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a> {
    /// Number of its first line.
    pub first: u64,
    /// How many lines it has.
    pub lines: usize,
    /// Lines by number of their source.
    pub sources: &'a BTreeMap<u16, u32>,
    /// Lines of standard output, standard error, the engine, and marks.
    pub kinds: [u32; 4],
    /// Whether it may still grow.
    pub open: bool,
}

/// A chunk as somebody else can read it.
#[derive(Clone, Debug)]
pub enum Part {
    /// Its lines.
    Lines(Arc<Chunk>),
    /// Where it lies in the spool.
    Disk(Place),
}

/// Returns the place of a kind of line in the counts.
pub(super) const fn slot_of(kind: Kind) -> usize {
    match kind {
        Kind::Output(Stream::Stdout) => 0,
        Kind::Output(Stream::Stderr) => 1,
        Kind::Output(Stream::Engine) => 2,
        Kind::Mark => 3,
    }
}
