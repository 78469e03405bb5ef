//! What every platform must do, and what each does besides.

mod process;
