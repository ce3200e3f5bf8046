//! What has happened between two pictures, when the changes themselves were missed.

use crate::effect::net::{Device, Links, Local};
use crate::model::net::Prefix;
use crate::vrrp::Event;
use std::collections::HashSet;

/// Links go before they come, so that a name is never there twice; addresses come after the links that they are on.
pub(super) fn difference(before: &Links, after: &Links) -> Vec<Event<'static>> {
    let mut events = Vec::new();
    events.extend(before.iter().filter(|link| after.get(link.device).is_none()).map(|link| Event::LinkGone(link.device)));
    events.extend(after.iter().filter(|link| before.get(link.device) != Some(link)).map(|link| Event::Link(link.clone())));
    for link in after.iter() {
        let device = link.device;
        let had = if before.get(device).is_some() { before.addresses(device) } else { &[] };
        let has = after.addresses(device);
        let local = move |&prefix| Local { device, prefix };
        // There may be thousands.
        let [before, after]: [HashSet<&Prefix>; 2] = [had, has].map(|prefixes| prefixes.iter().collect());
        events.extend(had.iter().filter(|prefix| !after.contains(prefix)).map(local).map(Event::AddressGone));
        events.extend(has.iter().filter(|prefix| !before.contains(prefix)).map(local).map(Event::Address));
    }
    events
}

/// Whether an event may change where things go.
pub(super) fn is_about_links(event: &Event<'_>) -> bool {
    matches!(event, Event::Link(_) | Event::LinkGone(Device(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::net::Link;

    fn links(described: &[(u32, &str, bool, &[u8])]) -> Links {
        let mut links = Links::default();
        for &(device, name, up, addresses) in described {
            let device = Device(device);
            links.put(Link::plain(device, name, up));
            for &last in addresses {
                links.put_address(Local { device, prefix: Prefix { address: [10, 0, 0, last].into(), length: 24 } });
            }
        }
        links
    }

    fn words(before: &Links, after: &Links) -> Vec<String> {
        let word = |event: &Event<'_>| match event {
            Event::Link(link) => format!("{} is {} up {}", link.device.0, link.name, link.up),
            Event::LinkGone(device) => format!("{} gone", device.0),
            Event::Address(local) => format!("{} has {}", local.device.0, local.prefix.address),
            Event::AddressGone(local) => format!("{} lost {}", local.device.0, local.prefix.address),
            other => format!("{other:?}"),
        };
        difference(before, after).iter().map(word).collect()
    }

    #[test]
    fn a_picture_differs_from_another_by_events() {
        let before = links(&[(1, "e0", true, &[1, 2]), (2, "e1", true, &[3]), (3, "e2", true, &[])]);
        let after = links(&[(1, "e0", false, &[2, 4]), (3, "e2", true, &[]), (7, "e1", true, &[3])]);
        assert_eq!(
            words(&before, &after),
            ["2 gone", "1 is e0 up false", "7 is e1 up true", "1 lost 10.0.0.1", "1 has 10.0.0.4", "7 has 10.0.0.3"]
        );
        assert_eq!(words(&after, &after), Vec::<String>::new());
    }

    #[test]
    fn the_events_lead_from_one_to_the_other() {
        let before = links(&[(1, "e0", true, &[1, 2]), (2, "e1", true, &[3])]);
        let after = links(&[(1, "e0", false, &[4]), (9, "e1", true, &[3])]);
        let mut now = before.clone();
        for event in difference(&before, &after) {
            match event {
                Event::Link(link) => now.put(link),
                Event::LinkGone(device) => drop(now.remove(device)),
                Event::Address(local) => assert!(now.put_address(local)),
                Event::AddressGone(local) => assert!(now.remove_address(local)),
                other => assert!(!is_about_links(&other)),
            }
        }
        assert_eq!(now, after);
    }
}
