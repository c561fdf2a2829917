//! What a lab's agent is asked and what it answers, the channel that carries both, and where the agent is found.
//!
//! One side is the agent; the other is `run`, which holds the agent's first channel, or a command that has opened the lab's
//! socket; `run` on a lab that stands is one of these. Requests and answers alternate, but for [`Request::Need`] and
//! [`Request::Steps`], which have no answer, and
//! [`Answer::Progress`], which comes any number of times before that to [`Request::Commit`].

mod assembly;
mod bounded;
mod channel;
mod descriptors;
mod dial;
mod hello;
pub mod journal;
mod message;
pub mod traces;
mod undone;

pub use assembly::Assembly;
pub use channel::{Channel, ChannelError};
pub use descriptors::{HELD_FD, LOCK_FD};
pub use dial::{Dialled, dial};
pub use hello::{HelloError, check_greeting, greet, receive_greeting, send_greeting};
pub use message::{
    Answer, EditOrder, Edited, Host, Join, Model, Occupant, Origin, PINGS_AT_ONCE, Repaired, Request, STEPS_AHEAD,
    STEPS_AT_ONCE, State, Status,
};
pub use undone::{Undo, Undone};
