//! Whether an interface counts as up: what the kernel says, or what polling says, once that has lasted.

use crate::effect::net::{Device, Link, Links};
use crate::effect::time::Instant;
use crate::model::Model;
use crate::model::vrrp::LinkDelay;
use std::collections::{BTreeMap, HashMap};

/// An interface that is polled, or whose changes have to last.
#[derive(Debug)]
struct Known {
    /// As the kernel tells of it.
    link: Link,
    /// Whether it counts as up.
    counts: bool,
    has_been_up: bool,
    /// When what is otherwise now will count.
    change: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Standings {
    delays: HashMap<Box<str>, LinkDelay>,
    /// What polling said last; nothing of one that has not answered.
    polled: HashMap<Box<str>, Option<bool>>,
    known: BTreeMap<Device, Known>,
}

impl Standings {
    pub(super) fn new(model: &Model, links: &Links) -> Self {
        let mut standings = Self::default();
        standings.reconfigure(model, links);
        standings
    }

    pub(super) fn reconfigure(&mut self, model: &Model, links: &Links) {
        self.delays = model.vrrp.delays.iter().map(|delay| (delay.interface.clone(), delay.clone())).collect();
        let answer = |name: &str| self.polled.get(name).copied().flatten();
        self.polled = model.vrrp.linkbeat.iter().map(|beat| (beat.interface.clone(), answer(&beat.interface))).collect();
        let mut known = std::mem::take(&mut self.known);
        let fresh = |link: &Link| Known { link: link.clone(), counts: link.up, has_been_up: link.up, change: None };
        let concerned = links.iter().filter(|link| self.concerns(&link.name));
        self.known = concerned.map(|link| (link.device, known.remove(&link.device).unwrap_or_else(|| fresh(link)))).collect();
    }

    fn concerns(&self, name: &str) -> bool {
        self.delays.contains_key(name) || self.polled.contains_key(name)
    }

    /// A link as the kernel tells of it becomes one as it counts.
    pub(super) fn link(&mut self, now: Instant, link: Link) -> Link {
        if !self.concerns(&link.name) {
            self.known.remove(&link.device);
            return link;
        }
        let up = self.is_up(&link);
        let delay = self.delays.get(&link.name);
        let known =
            self.known.entry(link.device).or_insert_with(|| Known { link: link.clone(), counts: up, has_been_up: up, change: None });
        known.link = link;
        if up == known.counts {
            known.change = None;
        } else {
            // What has never been up need not prove that it stays so.
            let delay = delay.map(|delay| if up { delay.up } else { delay.down }).filter(|_| known.has_been_up);
            match delay.filter(|delay| !delay.is_zero()) {
                Some(delay) => known.change = known.change.or(Some(now + delay)),
                None => known.count(up),
            }
        }
        known.as_it_counts()
    }

    fn is_up(&self, link: &Link) -> bool {
        link.up && self.polled.get(&link.name) != Some(&Some(false))
    }

    pub(super) fn gone(&mut self, device: Device) {
        self.known.remove(&device);
    }

    /// What polling says; returns the link as it counts, if there is one.
    pub(super) fn polled(&mut self, now: Instant, interface: &str, up: bool) -> Option<Link> {
        *self.polled.get_mut(interface)? = Some(up);
        let link = self.known.values().find(|known| *known.link.name == *interface)?.link.clone();
        Some(self.link(now, link))
    }

    /// What has lasted long enough.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Link> {
        let mut due = Vec::new();
        for known in self.known.values_mut().filter(|known| known.change.is_some_and(|at| at <= now)) {
            known.count(!known.counts);
            due.push(known.as_it_counts());
        }
        due
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.known.values().filter_map(|known| known.change).min()
    }
}

impl Known {
    fn count(&mut self, up: bool) {
        self.counts = up;
        self.has_been_up |= up;
        self.change = None;
    }

    fn as_it_counts(&self) -> Link {
        Link { up: self.counts, ..self.link.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::Stated;
    use crate::config::testing::load;

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    fn link(device: u32, name: &str, up: bool) -> Link {
        Link::plain(Device(device), name, up)
    }

    /// `e1` must be down for two seconds and up for three, `e2` is polled; all three are up at first.
    fn standings() -> Standings {
        let text = "interface_up_down_delays {\n e1 2 3\n}\nlinkbeat_interfaces {\n e2\n}\n";
        let model = load(text, &Stated::with(&["e0", "e1", "e2"])).0;
        let mut links = Links::default();
        for (device, name) in [(1, "e0"), (2, "e1"), (3, "e2")] {
            links.put(link(device, name, true));
        }
        Standings::new(&model, &links)
    }

    #[test]
    fn only_what_lasts_counts() {
        let mut standings = standings();
        assert!(!standings.link(at(0), link(1, "e0", false)).up, "no delay");
        assert!(standings.link(at(0), link(2, "e1", false)).up);
        assert_eq!(standings.next_deadline(), Some(at(2000)));
        assert!(standings.link(at(1000), link(2, "e1", true)).up);
        assert_eq!(standings.next_deadline(), None, "it was a blink");
        assert!(standings.link(at(1500), link(2, "e1", false)).up);
        // Something else about it changes: the time goes on.
        assert!(standings.link(at(2500), Link { mtu: 1400, ..link(2, "e1", false) }).up);
        assert_eq!(standings.due(at(3499)), []);
        let due = standings.due(at(3500));
        assert_eq!(due, [Link { mtu: 1400, ..link(2, "e1", false) }]);
        assert!(!standings.link(at(4000), link(2, "e1", true)).up);
        assert_eq!(standings.next_deadline(), Some(at(7000)));
        assert_eq!(standings.due(at(7000)), [link(2, "e1", true)]);
        assert_eq!(standings.next_deadline(), None);
    }

    #[test]
    fn what_was_never_up_comes_up_at_once() {
        let mut standings = standings();
        standings.gone(Device(2));
        assert!(!standings.link(at(0), link(9, "e1", false)).up);
        assert!(standings.link(at(100), link(9, "e1", true)).up);
        assert!(standings.link(at(200), link(9, "e1", false)).up, "now it has to last");
    }

    #[test]
    fn polling_takes_a_link_down_that_the_kernel_has_up() {
        let mut standings = standings();
        assert_eq!(standings.polled(at(0), "e2", false), Some(link(3, "e2", false)));
        assert!(!standings.link(at(100), link(3, "e2", true)).up);
        assert_eq!(standings.polled(at(200), "e2", true), Some(link(3, "e2", true)));
        assert!(!standings.link(at(300), link(3, "e2", false)).up, "who shuts it down need not wait for polling");
        assert_eq!(standings.polled(at(400), "e1", false), None, "nobody asked");
    }

    #[test]
    fn a_reload_keeps_what_is_known() {
        let mut standings = standings();
        standings.polled(at(0), "e2", false);
        standings.link(at(0), link(2, "e1", false));
        let text = "interface_up_down_delays {\n e1 9 9\n}\nlinkbeat_interfaces {\n e2 IOCTL\n}\n";
        let model = load(text, &Stated::with(&["e0", "e1", "e2"])).0;
        let mut links = Links::default();
        links.put(link(2, "e1", true));
        links.put(link(3, "e2", false));
        standings.reconfigure(&model, &links);
        assert_eq!(standings.next_deadline(), Some(at(2000)));
        assert!(!standings.link(at(100), link(3, "e2", true)).up);
    }
}
