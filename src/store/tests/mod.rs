//! Whether the table survives what happens to its file.

mod arbitrary;
mod damage;
mod disk;
mod fallback;
mod record;
mod support;
