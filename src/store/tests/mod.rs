//! Whether the table survives what happens to its file.

mod damage;
mod disk;
mod record;
mod support;
