//! How many processes of a kind are running.

use super::tracked;
use super::view::ProcessView;
use crate::effect::say::{Level, Line};
use crate::effect::time::Instant;
use crate::model::Model;
use crate::model::track::{ParameterMatch, TrackProcess};
use std::collections::BTreeMap;

/// The kernel keeps no more of a short name.
const SHORT_NAME: usize = 15;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// What holds now. Saying it again means nothing.
    Report {
        name: Box<str>,
        up: bool,
    },
    Say(Line),
}

/// Whether a process is one of those: `short` is its short name, `words` its command line.
pub fn matches(wanted: &TrackProcess, short: &[u8], words: &[&[u8]]) -> bool {
    let process = wanted.process.as_bytes();
    let Some(matching) = wanted.matching else {
        let name = process.rsplit(|&byte| byte == b'/').next().unwrap_or(process);
        return short == name.get(..SHORT_NAME).unwrap_or(name);
    };
    let Some((&command, given)) = words.split_first() else { return false };
    let parameters: Vec<&[u8]> = wanted.parameters.iter().map(|word| word.as_bytes()).collect();
    command == process
        && match matching {
            ParameterMatch::Command => true,
            ParameterMatch::Exact => given == parameters,
            ParameterMatch::Initial => given.starts_with(&parameters),
            ParameterMatch::Partial => match parameters.split_last() {
                None => true,
                Some((last, first)) => given.starts_with(first) && given.get(first.len()).is_some_and(|word| word.starts_with(last)),
            },
        }
}

/// All processes that somebody tracks.
#[derive(Debug, Default)]
pub struct Processes {
    watched: BTreeMap<Box<str>, Watched>,
}

#[derive(Debug)]
struct Watched {
    wanted: TrackProcess,
    count: usize,
    /// They have not been counted yet.
    up: Option<bool>,
    /// It has been the other way round, and this is when it counts.
    turns: Option<Instant>,
}

impl Processes {
    /// Goes over to a new configuration. All processes are to be counted then.
    pub fn reconfigure(&mut self, model: &Model, actions: &mut Vec<Action>) {
        let mut old = std::mem::take(&mut self.watched);
        let used = tracked(model, |trackers| &trackers.processes);
        for wanted in model.tracked.processes.iter().filter(|wanted| used.contains(&*wanted.name)) {
            let same = |before: &Watched| {
                let key = |wanted: &TrackProcess| (wanted.process.clone(), wanted.parameters.clone(), wanted.matching);
                key(&before.wanted) == key(wanted)
            };
            let before = old.remove(&wanted.name).filter(same);
            let (count, up) = before.map_or((0, None), |before| (before.count, before.up));
            actions.extend(up.map(|up| Action::Report { name: wanted.name.clone(), up }));
            self.watched.insert(wanted.name.clone(), Watched { wanted: wanted.clone(), count, up, turns: None });
        }
    }

    /// What is to be counted.
    pub fn iter(&self) -> impl Iterator<Item = &TrackProcess> {
        self.watched.values().map(|watched| &watched.wanted)
    }

    pub fn counted(&mut self, now: Instant, name: &str, count: usize, actions: &mut Vec<Action>) {
        let Some(watched) = self.watched.get_mut(name) else { return };
        watched.count = count;
        let TrackProcess { quorum, quorum_max, terminate_delay, fork_delay, .. } = watched.wanted;
        let enough = count >= usize::from(quorum) && quorum_max.is_none_or(|most| count <= usize::from(most));
        match watched.up {
            None => watched.turn(enough, actions),
            Some(up) if up == enough => watched.turns = None,
            Some(up) => {
                let delay = if up { terminate_delay } else { fork_delay };
                watched.turns = watched.turns.or(Some(now + delay));
            }
        }
        self.tick(now, actions);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        for watched in self.watched.values_mut() {
            if watched.turns.is_some_and(|turns| turns <= now) {
                watched.turn(watched.up != Some(true), actions);
            }
        }
    }

    pub fn view(&self) -> Vec<ProcessView> {
        let seen = |watched: &Watched| ProcessView {
            name: watched.wanted.name.clone(),
            count: watched.count,
            up: watched.up,
            turns: watched.turns,
        };
        self.watched.values().map(seen).collect()
    }

    /// When [`Processes::tick`] is due. Any call may change it.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.watched.values().filter_map(|watched| watched.turns).min()
    }
}

impl Watched {
    fn turn(&mut self, up: bool, actions: &mut Vec<Action>) {
        self.turns = None;
        self.up = Some(up);
        let name = self.wanted.name.clone();
        let what = if up { "Quorum gained" } else { "Quorum lost" };
        actions.push(Action::Say(Line { level: Level::Info, text: format!("{what} for tracked process {name}") }));
        actions.push(Action::Report { name, up });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::track::{Tracker, Trackers, Weight};
    use crate::model::vrrp::{Notify, SyncGroup};
    use std::time::Duration;

    fn wanted(process: &str, parameters: &[&str], matching: Option<ParameterMatch>) -> TrackProcess {
        TrackProcess {
            name: "p".into(),
            process: process.into(),
            parameters: parameters.iter().map(|&word| word.into()).collect(),
            matching,
            weight: Weight::default(),
            quorum: 1,
            quorum_max: None,
            terminate_delay: Duration::ZERO,
            fork_delay: Duration::ZERO,
        }
    }

    #[test]
    fn a_process_is_known_by_its_short_name_or_its_command_line() {
        use ParameterMatch::{Command, Exact, Initial, Partial};
        for (process, parameters, matching, short, words, want) in [
            ("haproxy", &[][..], None, "haproxy", &["/usr/sbin/haproxy", "-f"][..], true),
            ("/usr/sbin/haproxy", &[], None, "haproxy", &[], true),
            ("haproxy", &[], None, "haproxy2", &[], false),
            ("a-name-of-more-than-fifteen", &[], None, "a-name-of-more-", &[], true),
            ("haproxy", &[], Some(Command), "haproxy", &["/usr/sbin/haproxy"], false),
            ("/usr/sbin/haproxy", &[], Some(Command), "other", &["/usr/sbin/haproxy", "-f"], true),
            ("sh", &["a", "b"], Some(Exact), "sh", &["sh", "a", "b"], true),
            ("sh", &["a", "b"], Some(Exact), "sh", &["sh", "a", "b", "c"], false),
            ("sh", &["a", "b"], Some(Exact), "sh", &["sh", "a"], false),
            ("sh", &["a", "b"], Some(Initial), "sh", &["sh", "a", "b", "c"], true),
            ("sh", &["a", "b"], Some(Initial), "sh", &["sh", "a", "bb"], false),
            ("sh", &["a", "b"], Some(Partial), "sh", &["sh", "a", "bb", "c"], true),
            ("sh", &["a", "b"], Some(Partial), "sh", &["sh", "aa", "b"], false),
            ("sh", &["a", "b"], Some(Partial), "sh", &["sh", "a"], false),
            ("sh", &[], Some(Partial), "sh", &["sh", "a"], true),
            ("sh", &[], Some(Exact), "sh", &[], false),
        ] {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            assert_eq!(
                matches(&wanted(process, parameters, matching), short.as_bytes(), &words),
                want,
                "{process} {parameters:?} {words:?}"
            );
        }
    }

    fn model(process: TrackProcess) -> Model {
        let names = vec![Tracker { name: process.name.clone(), weight: Weight::default() }];
        let trackers = Trackers { processes: names, ..Trackers::default() };
        let (name, members, notify) = ("G".into(), Vec::new(), Notify::default());
        let mut model = Model::default();
        model.vrrp.groups.push(SyncGroup { name, members, trackers, tracking_weight: false, notify, smtp_alert: false });
        model.tracked.processes.push(process);
        model
    }

    fn reports(actions: &mut Vec<Action>) -> Vec<bool> {
        actions.drain(..).filter_map(|action| if let Action::Report { up, .. } = action { Some(up) } else { None }).collect()
    }

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(0) + Duration::from_millis(millis)
    }

    #[test]
    fn the_number_is_to_be_within_bounds() {
        for (quorum, most, counts, want) in [
            (1, None, &[0, 0, 1, 5, 0][..], &[false, true, false][..]),
            (2, Some(3), &[3, 1, 2, 4], &[true, false, true, false]),
            (0, Some(0), &[0, 1, 0], &[true, false, true]),
        ] {
            let mut processes = Processes::default();
            let mut actions = Vec::new();
            processes.reconfigure(&model(TrackProcess { quorum, quorum_max: most, ..wanted("x", &[], None) }), &mut actions);
            for &count in counts {
                processes.counted(at(0), "p", count, &mut actions);
            }
            assert_eq!(reports(&mut actions), want, "{quorum} {most:?}");
        }
    }

    #[test]
    fn a_change_counts_when_it_has_lasted() {
        let delayed =
            TrackProcess { terminate_delay: Duration::from_secs(2), fork_delay: Duration::from_secs(1), ..wanted("x", &[], None) };
        let mut processes = Processes::default();
        let mut actions = Vec::new();
        processes.reconfigure(&model(delayed.clone()), &mut actions);
        processes.counted(at(0), "p", 1, &mut actions);
        assert_eq!(reports(&mut actions), [true], "the first count needs no time");
        for (time, count, want, deadline) in [
            (1000, 0, &[][..], Some(3000)),
            (2000, 0, &[], Some(3000)),
            (2500, 1, &[], None),
            (3500, 0, &[], Some(5500)),
            (5500, 0, &[false], None),
            (6000, 1, &[], Some(7000)),
            (7000, 1, &[true], None),
        ] {
            processes.counted(at(time), "p", count, &mut actions);
            assert_eq!(reports(&mut actions), want, "{time}");
            assert_eq!(processes.next_deadline(), deadline.map(at), "{time}");
        }
        processes.counted(at(8000), "p", 0, &mut actions);
        processes.tick(at(9999), &mut actions);
        assert_eq!(reports(&mut actions), Vec::<bool>::new());
        processes.tick(at(10_000), &mut actions);
        assert_eq!(reports(&mut actions), [false]);
        processes.reconfigure(&model(delayed), &mut actions);
        assert_eq!(reports(&mut actions), [false], "it is carried over");
        processes.reconfigure(&model(wanted("y", &[], None)), &mut actions);
        assert_eq!(reports(&mut actions), Vec::<bool>::new(), "another process is counted first");
    }
}
