//! Whether the table survives what happens to its file.

mod again;
mod arbitrary;
mod bounds;
mod damage;
mod disk;
mod examine;
mod fallback;
mod folders;
mod lock;
mod oldest;
mod partly;
mod program;
mod quarantined;
mod record;
mod support;
