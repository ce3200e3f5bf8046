//! `TCP_CHECK` and `PING_CHECK`: nothing but what all have.

use super::{connected, open, probe};
use crate::config::draft::lvs::checker::{Checker, Probe};
use crate::config::keyword::Vocabulary;

open!(open, TCP, Checker::Tcp, |rs, statement| probe::<()>(rs, statement));
open!(open_ping, PING, Checker::Ping, |rs, statement| probe::<()>(rs, statement));

pub static TCP: Vocabulary<Probe<()>> = Vocabulary::new("TCP_CHECK", connected!(Probe<()>;));

pub static PING: Vocabulary<Probe<()>> = Vocabulary::new("PING_CHECK", connected!(Probe<()>;));
