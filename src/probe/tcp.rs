//! A connection that comes about is all that is asked for.

use super::{Dialogue, Target, Transport, Trouble, failed};
use crate::effect::probe::Outcome;
use crate::model::checker::Connection;

#[derive(Debug)]
pub(super) struct Tcp {
    target: Target,
}

impl Tcp {
    pub(super) fn new(connection: &Connection) -> Self {
        Self { target: Target::new(connection, "tcp") }
    }
}

impl Dialogue for Tcp {
    fn transport(&self) -> Transport {
        Transport::Stream { tls: None }
    }

    fn opened(&mut self, _: &mut Vec<u8>) -> Option<Outcome> {
        Some(Outcome::Good)
    }

    fn received(&mut self, _: &[u8], _: &mut Vec<u8>) -> Option<Outcome> {
        Some(Outcome::Good)
    }

    fn closed(&mut self) -> Outcome {
        Outcome::Good
    }

    fn expired(&mut self) -> Outcome {
        Outcome::Failed(format!("TCP connection to {} timeout.", self.target).into())
    }

    fn failed(&mut self, trouble: Trouble) -> Outcome {
        failed(trouble, format_args!("TCP connection to {} failed", self.target))
    }
}
