//! Where everything of a drawn dependency graph stands: a layered drawing, as numbers. Pure, and without a terminal.
//!
//! ```text
//! names and needs ─shape→ layers ─order→ rows of items, few crossings ─place→ positions ─route→ lines ─drawing→ cells
//! ```
//!
//! * [`shape`]: what is to be drawn, sorted, with its layers; a cycle is broken rather than refused.
//! * [`order`]: long edges become chains of dummy items, one chain for all edges of a source; sweeps by barycentre.
//! * [`place`]: positions across the flow, lines as straight as the order allows.
//! * [`route`]: ports, and tracks between two layers, so that lines of two sources never share a stretch.
//! * [`sketch`]: one part with everything in its place; [`woven`]: all parts side by side, in either direction and in
//!   four sizes of boxes; [`fit`] picks both; [`drawing`] is what comes out.
//! * [`glyph`]: box-drawing characters by the directions a line leaves a cell in.
//! * [`walk`]: from one box to the next.
//! * [`scene`]: from the snapshot to a shape; [`stage`]: the drawing on show, its chosen box and its camera.

pub mod drawing;
pub mod fit;
pub mod glyph;
mod order;
mod place;
mod route;
pub mod scene;
pub mod shape;
pub mod sketch;
pub mod stage;
pub mod walk;
pub mod woven;

#[cfg(test)]
mod tests;
