//! Whether the table survives what happens to its file.

mod arbitrary;
mod damage;
mod disk;
mod fallback;
mod program;
mod record;
mod support;
