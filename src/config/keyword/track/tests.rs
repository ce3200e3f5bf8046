//! `vrrp_script`, `track_file` and `vrrp_track_process`, by their effect on the model.

use crate::config::host::{At, Stated};
use crate::config::testing::{load, round_trip};
use crate::model::script::Action;
use crate::model::track::{InitialValue, ParameterMatch, TrackFile, TrackProcess, TrackScript, Weight};
use std::time::Duration;

fn host() -> Stated {
    let mut host = Stated::with(&["eth0"]).script("/p");
    host.paths.insert("/run".into(), At::Directory);
    host
}

/// With an instance: scripts that nobody could track are not looked at.
const GLOBAL: &str = "global_defs {\n enable_script_security\n script_user root\n}\nvrrp_instance A {\n interface eth0\n virtual_router_id 1\n no_virtual_ipaddress\n}\n";

fn script(body: &str) -> TrackScript {
    round_trip(&format!("{GLOBAL}vrrp_script S {{\n script \"/p x\"\n{body}\n}}"), &host()).tracked.scripts.remove(0)
}

fn file(body: &str) -> TrackFile {
    round_trip(&format!("track_file F {{\n file /run/f\n{body}\n}}"), &host()).tracked.files.remove(0)
}

fn process(body: &str) -> TrackProcess {
    round_trip(&format!("vrrp_track_process P {{\n{body}\n}}"), &host()).tracked.processes.remove(0)
}

#[test]
fn a_script_has_its_period_and_its_hysteresis() {
    let plain = script("");
    assert_eq!((plain.interval, plain.timeout, plain.rise, plain.fall), (Duration::from_secs(1), Duration::from_secs(1), 1, 1));
    assert_eq!((plain.weight, plain.init_fail, plain.command.uid), (Weight::default(), false, 0));
    let full = script("interval 2.5\n timeout .001\n weight -20 reverse\n rise 2\n fall 2147483647\n user nobody nogroup\n init_fail");
    assert_eq!((full.interval, full.timeout), (Duration::from_millis(2500), Duration::from_millis(1)));
    assert_eq!((full.rise, full.fall, full.init_fail), (2, 2_147_483_647, true));
    assert_eq!((full.weight, full.command.uid), (Weight { value: -20, reverse: true }, 65534));
    assert_eq!(script("interval 7").timeout, Duration::from_secs(7));
    let opens = round_trip(&format!("{GLOBAL}vrrp_script S {{\n script \"</run/f\"\n}}"), &host()).tracked.scripts.remove(0);
    assert_eq!(opens.command.action, Action::Open("/run/f".into()));
}

#[test]
fn a_file_has_a_weight_and_may_be_made() {
    assert_eq!((file("").weight, file("").initial), (Weight { value: 1, reverse: false }, None));
    assert_eq!(file("weight 254 reverse").weight, Weight { value: 254, reverse: true });
    for (line, value, overwrite) in
        [("init_file", 0, false), ("init_file -5", -5, false), ("init_file overwrite", 0, true), ("init_file 7 overwrite", 7, true)]
    {
        assert_eq!(file(line).initial, Some(InitialValue { value, overwrite }), "{line}");
    }
}

#[test]
fn a_process_has_a_quorum_and_a_way_to_be_found() {
    let plain = process("process sleep");
    assert_eq!((&*plain.process, plain.matching, plain.quorum, plain.quorum_max), ("sleep", None, 1, None));
    let full = process("process /bin/sleep \"1 2\" 3\n param_match partial\n weight 5\n quorum 2\n quorum_max 4\n delay 3\n fork_delay .5");
    assert_eq!((full.parameters.len(), full.matching), (2, Some(ParameterMatch::Partial)));
    assert_eq!((full.quorum, full.quorum_max, full.weight.value), (2, Some(4), 5));
    assert_eq!((full.terminate_delay, full.fork_delay), (Duration::from_secs(3), Duration::from_millis(500)));
    for (body, matching) in [
        ("process sleep 10", ParameterMatch::Exact),
        ("process sleep\n param_match", ParameterMatch::Exact),
        ("process sleep\n param_match initial", ParameterMatch::Initial),
        ("process sleep\n full_command", ParameterMatch::Command),
    ] {
        assert_eq!(process(body).matching, Some(matching), "{body}");
    }
    let none = process("process sleep\n quorum 3\n quorum_max 0");
    assert_eq!((none.quorum, none.quorum_max), (0, Some(0)));
}

#[test]
fn faults_are_told_with_their_lines() {
    let script = |body: &str| format!("vrrp_script S {{\n{body}\n script /p\n}}\n{GLOBAL}");
    let file = |body: &str| format!("track_file F {{\n{body}\n file /run/f\n}}");
    let process = |body: &str| format!("vrrp_track_process P {{\n{body}\n}}");
    for (text, want) in [
        (
            "vrrp_script {\n script /p\n}".to_owned(),
            vec!["1: *** Configuration line starting `vrrp_script` is missing a parameter after keyword `vrrp_script`"],
        ),
        (
            "track_file {\n file /p\n}".to_owned(),
            vec!["1: *** Configuration line starting `track_file` is missing a parameter after keyword `track_file`"],
        ),
        ("vrrp_script S {\n}".to_owned(), vec!["2: No script set for vrrp_script S - removing"]),
        (
            format!("vrrp_script S {{\n script /nope\n}}\n{GLOBAL}"),
            vec!["2: Disabling track script S since not found/accessible - /nope is not there"],
        ),
        (script("interval 0"), vec!["2: (S): vrrp script interval must be greater than 0, setting to 1"]),
        (script("interval 0.0001"), vec!["2: number '0.0001' outside range [0.001, 4294]"]),
        (script("interval 4295"), vec!["2: number '4295' outside range [0, 4294]"]),
        (script("timeout 0"), vec!["2: (S): vrrp script timeout must be greater than 0, setting to 1"]),
        (script("timeout x"), vec!["2: invalid number 'x'"]),
        (script("interval"), vec!["2: *** Configuration line starting `interval` is missing a parameter after keyword `interval`"]),
        (script("weight 254"), vec!["2: number '254' outside range [-253, 253]"]),
        (script("weight 5 foo"), vec!["2: vrrp_script S unknown weight option foo"]),
        (script("rise 0"), vec!["2: number '0' outside range [1, 2147483647]"]),
        (script("fall 3x"), vec!["2: invalid number '3x'"]),
        (script("user nosuch"), vec!["2: Script user 'nosuch' does not exist", "2: Unable to set uid/gid for script '/p'"]),
        ("track_file F {\n}".to_owned(), vec!["2: No file set for track_file F - ignoring"]),
        ("track_file F {\n file /none/f\n}".to_owned(), vec!["3: realpath() error 2 (No such file or directory) for F"]),
        (file("file /run/g"), vec!["3: File already set for track file F - ignoring /run/f"]),
        (file("file"), vec!["2: file is missing a parameter after 'file'"]),
        (file("weight"), vec!["2: weight is missing a parameter after 'weight'"]),
        (file("weight 255"), vec!["2: number '255' outside range [-254, 254]"]),
        (file("weight 1\n weight 2"), vec!["3: Weight already set for track file F - ignoring 2"]),
        (file("init_file 300"), vec!["2: Track file F init value 300 is outside sensible range [-254, 254]"]),
        (file("init_file foo"), vec!["2: Unknown track file init option foo"]),
        (file("init_file 99999999999"), vec!["2: number '99999999999' outside range [-2147483648, 2147483647]"]),
        ("vrrp_track_file F {\n file /run/f\n}".to_owned(), vec!["1: vrrp_track_file is deprecated - please use 'track_file'"]),
        (process(""), vec!["3: track process 'P' process name not specified"]),
        (process("process a\n process b"), vec!["3: Process already set for track process P - ignoring b"]),
        (process("process a\n param_match foo"), vec!["3: Invalid param_match type foo - ignoring"]),
        (process("process a\n weight 255"), vec!["3: number '255' outside range [-254, 254]"]),
        (process("process a\n weight 1\n weight 2"), vec!["4: Weight already set for track process P - ignoring 2"]),
        (process("process a\n quorum 0"), vec!["3: number '0' outside range [1, 65535]"]),
        (process("process a\n quorum 5\n quorum_max 3"), vec!["4: quorum_max is less than quorum - ignoring"]),
        (process("process a\n quorum_max 3\n quorum 5"), vec!["4: Quorum is greater than quorum_max - ignoring"]),
        (process("process a\n delay 0"), vec!["3: number '0' outside range [0.000001, 3600]"]),
        (process("process a\n fork_delay 3601"), vec!["3: number '3601' outside range [0.000001, 3600]"]),
    ] {
        let mut said = load(&text, &host()).1;
        said.sort();
        assert_eq!(said, want, "{text}");
    }
}
