use super::*;
use crate::effect::time::Instant;
use crate::model::bfd::{Hops, Session as Conf};
use crate::model::track::Weight;
use crate::wire::bfd::{Packet, State};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const MILLI: Duration = Duration::from_millis(1);

fn conf(neighbor: u8, source: u8) -> Conf {
    Conf {
        name: format!("to {neighbor}").into(),
        neighbor: [10, 0, 0, neighbor].into(),
        source: Some([10, 0, 0, source].into()),
        min_rx: MILLI * 10,
        min_tx: MILLI * 10,
        idle_tx: MILLI * 1000,
        multiplier: 5,
        passive: false,
        ttl: 255,
        full_ttl: 255,
        hops: Hops::AtMost(0),
        multihop: false,
        weight: Weight::default(),
        tells_vrrp: true,
        tells_checkers: true,
    }
}

/// Two neighbours, a way of a millisecond between them, and a clock.
struct Pair {
    now: Instant,
    ends: [Engine; 2],
    confs: [Conf; 2],
    /// What is under way: when and where it arrives.
    way: BTreeMap<(Instant, u64), (usize, [u8; bfd::LENGTH])>,
    sent: u64,
    cut: bool,
    /// Who reported what, and when in milliseconds.
    reports: Vec<(usize, bool, u64)>,
    packets: [usize; 2],
    ttl: u8,
}

impl Pair {
    fn new(a: Conf, b: Conf) -> Self {
        let now = Instant::from_nanos(1_000_000_000_000);
        let mut actions = [Vec::new(), Vec::new()];
        let ends = [
            Engine::start(now, std::slice::from_ref(&a), 1, &[], &mut actions[0]),
            Engine::start(now, std::slice::from_ref(&b), 2, &[], &mut actions[1]),
        ];
        let mut pair =
            Self { now, ends, confs: [a, b], way: BTreeMap::new(), sent: 0, cut: false, reports: Vec::new(), packets: [0, 0], ttl: 255 };
        for (who, actions) in actions.into_iter().enumerate() {
            assert!(matches!(&actions[..], [Action::Open { .. }, Action::Report { up: false, .. }]));
            pair.take(who, actions);
        }
        pair.reports.clear();
        pair
    }

    fn usual() -> Self {
        let mut pair = Self::new(conf(2, 1), conf(1, 2));
        pair.run(5000);
        assert_eq!(pair.up(), [true, true]);
        pair.reports.clear();
        pair
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.now.since(Instant::from_nanos(1_000_000_000_000)).as_millis()).expect("not that long")
    }

    fn take(&mut self, who: usize, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Transmit { bytes, .. } => {
                    self.packets[who] += 1;
                    self.sent += 1;
                    if !self.cut {
                        self.way.insert((self.now + MILLI, self.sent), (1 - who, bytes));
                    }
                }
                Action::Report { up, .. } => self.reports.push((who, up, self.millis())),
                Action::Open { .. } | Action::Close(_) | Action::Record(_) | Action::Forget(_) | Action::Say(_) => {}
            }
        }
    }

    fn act(&mut self, who: usize, event: Event) {
        let mut actions = Vec::new();
        self.ends[who].handle(self.now, event, &mut actions);
        self.take(who, actions);
    }

    fn run(&mut self, millis: u32) {
        let end = self.now + MILLI * millis;
        loop {
            let arrival = self.way.keys().next().map(|&(at, _)| at);
            let next = self.ends.iter().filter_map(Engine::next_deadline).chain(arrival).min();
            let Some(next) = next.filter(|&at| at <= end) else { break };
            self.now = self.now.max(next);
            while let Some(entry) = self.way.first_entry()
                && entry.key().0 <= self.now
            {
                let (who, bytes) = entry.remove();
                let packet = Packet::decode(&bytes).expect("we made it");
                let Conf { neighbor: from, source, .. } = self.confs[who];
                let heard = Heard { from, to: source.expect("it has one"), ttl: self.ttl, multihop: false, packet };
                self.act(who, Event::Heard(heard));
            }
            for who in [0, 1] {
                if self.ends[who].next_deadline().is_some_and(|at| at <= self.now) {
                    self.act(who, Event::Tick);
                }
            }
        }
        self.now = end;
    }

    fn up(&self) -> [bool; 2] {
        [0, 1].map(|who| self.ends[who].is_up(&self.confs[who].name))
    }
}

#[test]
fn neighbours_find_each_other_within_the_slow_rhythm_and_then_speed_up() {
    let mut pair = Pair::new(conf(2, 1), conf(1, 2));
    pair.run(1100);
    assert_eq!(pair.up(), [true, true]);
    pair.run(100);
    let before = pair.packets;
    pair.run(1000);
    for who in [0, 1] {
        // Every ten milliseconds, up to a quarter early and at least a tenth.
        let sent = pair.packets[who] - before[who];
        assert!((105..=140).contains(&sent), "{sent}");
    }
}

#[test]
fn silence_is_noticed_after_the_detection_time_and_not_before() {
    for cut_at in 0..100 {
        let mut pair = Pair::usual();
        pair.run(cut_at * 7);
        pair.cut = true;
        let cut = pair.millis();
        pair.run(1000);
        assert_eq!(pair.reports.len(), 2, "{:?}", pair.reports);
        for &(_, up, at) in &pair.reports {
            assert!(!up && (40..=52).contains(&(at - cut)), "cut at {cut}, noticed at {at}");
        }
        pair.cut = false;
        pair.run(3000);
        assert_eq!(pair.up(), [true, true]);
    }
}

#[test]
fn a_few_lost_packets_are_no_failure() {
    let mut pair = Pair::usual();
    for _ in 0..200 {
        pair.cut = true;
        pair.run(25);
        pair.cut = false;
        pair.run(25);
    }
    assert_eq!(pair.reports, []);
}

#[test]
fn an_end_is_announced() {
    let mut pair = Pair::usual();
    let (mut actions, at) = (Vec::new(), pair.millis());
    pair.ends[0].stop(&mut actions);
    pair.take(0, actions);
    pair.run(3);
    assert_eq!(pair.reports, [(1, false, at + 1)]);
}

#[test]
fn a_reload_changes_the_rhythm_and_nothing_else() {
    let mut pair = Pair::usual();
    for (tx, rx) in [(50, 10), (10, 200), (300, 300), (10, 10)] {
        let new = Conf { min_tx: MILLI * tx, min_rx: MILLI * rx, ..conf(2, 1) };
        let mut actions = Vec::new();
        pair.ends[0].reconfigure(pair.now, &[new], &mut actions);
        assert_eq!(actions, [Action::Report { name: "to 2".into(), up: true }]);
        pair.run(3000);
        assert_eq!(pair.reports, [], "{tx} {rx}");
        let before = pair.packets;
        pair.run(3000);
        let most = usize::try_from(3000 / tx * 100 / 75 + 1).expect("few");
        assert!((pair.packets[0] - before[0]) <= most);
    }
    let mut actions = Vec::new();
    pair.ends[0].reconfigure(pair.now, &[], &mut actions);
    assert!(matches!(&actions[..], [Action::Transmit { .. }, Action::Close(_), Action::Forget(_)]), "{actions:?}");
    assert_eq!(pair.ends[0].next_deadline(), None);
}

#[test]
fn the_same_configuration_again_is_nothing_new() {
    let mut pair = Pair::usual();
    let before = pair.ends[0].next_deadline();
    pair.ends[0].reconfigure(pair.now, &[conf(2, 1)], &mut Vec::new());
    assert_eq!(pair.ends[0].next_deadline(), before);
}

#[test]
fn two_passive_ends_are_silent_and_one_answers() {
    let passive = |conf: Conf| Conf { passive: true, ..conf };
    let mut pair = Pair::new(passive(conf(2, 1)), passive(conf(1, 2)));
    pair.run(10_000);
    assert_eq!(pair.packets, [0, 0]);
    let mut pair = Pair::new(passive(conf(2, 1)), conf(1, 2));
    pair.run(3000);
    assert_eq!(pair.up(), [true, true]);
}

#[test]
fn every_number_of_the_configuration_has_its_effect() {
    // Ours: what it is like, packets a second, and how long the other one is silent before it is missed.
    type Row = (&'static str, fn(Conf) -> Conf, std::ops::RangeInclusive<usize>, std::ops::RangeInclusive<u64>);
    let rows: [Row; 5] = [
        ("as usual", |conf| conf, 105..=140, 40..=52),
        ("min_tx", |conf| Conf { min_tx: MILLI * 40, ..conf }, 26..=35, 40..=52),
        ("min_rx", |conf| Conf { min_rx: MILLI * 30, ..conf }, 105..=140, 115..=152),
        // It is the other one that goes by it.
        ("multiplier", |conf| Conf { multiplier: 2, ..conf }, 105..=140, 40..=52),
        ("idle_tx", |conf| Conf { idle_tx: MILLI * 4000, ..conf }, 105..=140, 40..=52),
    ];
    for (name, change, packets, silence) in rows {
        let mut pair = Pair::new(change(conf(2, 1)), conf(1, 2));
        pair.run(10_000);
        assert_eq!(pair.up(), [true, true], "{name}");
        let before = pair.packets[0];
        pair.run(1000);
        let sent = pair.packets[0] - before;
        assert!(packets.contains(&sent), "{name}: {sent} packets");
        pair.cut = true;
        pair.reports.clear();
        let cut = pair.millis();
        pair.run(1000);
        let missed = |who: usize| pair.reports.iter().find(|report| report.0 == who).map(|&(_, _, at)| at - cut);
        assert!(missed(0).is_some_and(|at| silence.contains(&at)), "{name}: missed after {:?}", missed(0));
        let by_the_other = match name {
            "multiplier" => 11..=22,
            "min_tx" => 160..=202,
            _ => 40..=52,
        };
        assert!(missed(1).is_some_and(|at| by_the_other.contains(&at)), "{name}: missed by the other after {:?}", missed(1));
        // Nobody answers: what we send now is in the slow rhythm.
        pair.run(2000);
        let before = pair.packets[0];
        pair.run(20_000);
        let idle = if name == "idle_tx" { 5..=7 } else { 22..=28 };
        let sent = pair.packets[0] - before;
        assert!(idle.contains(&sent), "{name}: {sent} packets while it is down");
    }
}

#[test]
fn a_packet_may_have_come_as_many_hops_as_are_configured() {
    for (hops, ttl, up) in [
        (Hops::AtMost(0), 255, true),
        (Hops::AtMost(0), 254, false),
        (Hops::AtMost(2), 253, true),
        (Hops::AtMost(2), 252, false),
        (Hops::Any, 1, true),
    ] {
        let mut pair = Pair::new(Conf { hops, ..conf(2, 1) }, Conf { hops, ..conf(1, 2) });
        pair.ttl = ttl;
        pair.run(5000);
        assert_eq!(pair.up(), [up, up], "{hops:?} {ttl}");
    }
}

#[test]
fn what_has_come_too_far_or_is_for_another_is_not_heard() {
    let mut pair = Pair::new(conf(2, 1), conf(1, 2));
    pair.ttl = 254;
    pair.run(5000);
    assert_eq!(pair.up(), [false, false]);
    let packet =
        Packet { state: State::Down, poll: false, is_final: false, demand: false, multiplier: 3, ours: 9, yours: 0, min_tx: 1, min_rx: 1 };
    let good = Heard { from: [10, 0, 0, 2].into(), to: [10, 0, 0, 1].into(), ttl: 255, multihop: false, packet };
    for wrong in [
        Heard { from: [10, 0, 0, 3].into(), ..good },
        Heard { to: [10, 0, 0, 9].into(), ..good },
        Heard { multihop: true, ..good },
        Heard { packet: Packet { yours: 12345, ..packet }, ..good },
    ] {
        let before = pair.packets;
        pair.act(0, Event::Heard(wrong));
        assert_eq!((pair.packets, pair.up()[0]), (before, false), "{wrong:?}");
    }
    pair.act(0, Event::Heard(good));
    let mut actions = Vec::new();
    pair.ends[0].handle(pair.now, Event::Tick, &mut actions);
    assert!(matches!(actions[..], [Action::Transmit { .. }]), "it answers: {actions:?}");
}

#[test]
fn a_neighbour_may_send_with_less_but_not_after_it_has_sent_with_more() {
    let tolerant = |conf: Conf| Conf { full_ttl: 64, ..conf };
    let found = |ttl| {
        let mut pair = Pair::new(tolerant(conf(2, 1)), tolerant(conf(1, 2)));
        pair.ttl = ttl;
        pair.run(5000);
        pair
    };
    for (ttl, up) in [(255, true), (64, true), (63, false)] {
        assert_eq!(found(ttl).up(), [up, up], "{ttl}");
    }
    let mut pair = found(255);
    pair.reports.clear();
    pair.ttl = 254;
    pair.run(5000);
    let lost = pair.reports.iter().filter(|(_, up, _)| !up).count();
    assert_eq!(lost, 2, "it comes from somewhere else: {:?}", pair.reports);
    assert_eq!(pair.up(), [true, true], "another neighbour may be there by now");
}

#[test]
fn a_successor_goes_on_and_the_neighbour_does_not_notice() {
    let mut pair = Pair::usual();
    let records: Vec<BfdRecord> = pair.ends[0].records();
    let mut actions = Vec::new();
    pair.ends[0] = Engine::start(pair.now, &[conf(2, 1)], 77, &records, &mut actions);
    assert!(actions.contains(&Action::Report { name: "to 2".into(), up: true }));
    pair.run(2000);
    assert!(pair.reports.is_empty(), "{:?}", pair.reports);
    assert_eq!(pair.up(), [true, true]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Whatever is lost, sent again or made up: nothing panics, both agree when all is quiet again.
    #[test]
    fn after_any_trouble_both_are_up(steps in proptest::collection::vec((0u32..300, any::<bool>(), any::<[u8; 6]>()), 1..40)) {
        let mut pair = Pair::usual();
        for (millis, cut, noise) in steps {
            pair.cut = cut;
            pair.run(millis);
            let state = [State::AdminDown, State::Down, State::Init, State::Up][usize::from(noise[0] % 4)];
            let packet = Packet {
                state, poll: noise[1] % 2 == 0, is_final: noise[1] % 3 == 0, demand: noise[1] % 5 == 0, multiplier: noise[2].max(1),
                ours: u32::from(noise[3]) + 1, yours: 0, min_tx: u32::from(noise[4]) * 100, min_rx: u32::from(noise[5]) * 100,
            };
            let heard = Heard { from: [10, 0, 0, 2].into(), to: [10, 0, 0, 1].into(), ttl: 255, multihop: false, packet };
            pair.act(0, Event::Heard(heard));
        }
        pair.cut = false;
        // The longest detection time that the noise can have asked for, and the slow start.
        pair.run(20_000);
        prop_assert_eq!(pair.up(), [true, true]);
    }
}
