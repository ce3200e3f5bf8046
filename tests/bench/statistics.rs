//! What a daemon counts, as it writes it on SIGUSR2.

use std::collections::BTreeMap;

/// By instance, then by `Section/Counter`; a counter of no section stands alone.
pub(crate) type Statistics = BTreeMap<String, BTreeMap<String, u64>>;

/// Sections are told by their indentation.
pub(crate) fn read(text: &str) -> Statistics {
    let mut all = Statistics::new();
    let (mut instance, mut section) = (String::new(), String::new());
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once(':') else { continue };
        let (key, value) = (key.trim(), value.trim());
        if key == "VRRP Instance" {
            value.clone_into(&mut instance);
            continue;
        }
        let inner = line.starts_with("    ");
        match value.parse() {
            Ok(number) if inner => drop(all.entry(instance.clone()).or_default().insert(format!("{section}/{key}"), number)),
            Ok(number) => drop(all.entry(instance.clone()).or_default().insert(key.to_owned(), number)),
            Err(_) => key.clone_into(&mut section),
        }
    }
    all
}

/// Counters of what was wrong with packets that are not zero.
pub(crate) fn errors(all: &Statistics) -> Vec<String> {
    let mut found = Vec::new();
    for (instance, counters) in all {
        let wrong = counters.iter().filter(|(name, number)| name.contains("Error") && **number > 0);
        found.extend(wrong.map(|(name, number)| format!("{instance}: {name} {number}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "VRRP Instance: A\n  Advertisements:\n    Received: 0\n    Sent: 16\n  Became master: 1\n  Packet Errors:\n    Length: 2\n    TTL: 0\nVRRP Instance: B\n  Became master: 0\n";

    #[test]
    fn sections_are_part_of_a_counters_name() {
        let all = read(TEXT);
        assert_eq!(all["A"]["Advertisements/Sent"], 16);
        assert_eq!(all["A"]["Became master"], 1);
        assert_eq!(all["B"]["Became master"], 0);
        assert_eq!(errors(&all), ["A: Packet Errors/Length 2"]);
    }
}
