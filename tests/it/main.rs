//! Whole parts against the real world around them: files on disk.

mod config;
