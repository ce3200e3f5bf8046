use super::dialogue::{Dialogue, Failure, Outcome};
use super::outbox::{Next, Outbox};
use super::*;
use crate::effect::say::Line;
use crate::effect::time::Instant;
use proptest::prelude::*;
use std::time::Duration;

const DATE: &str = "Sat, 21 Nov 2026 06:37:05 +0000";

fn conf() -> Mail {
    Mail {
        router_id: "LAB".into(),
        server: Some(([10, 9, 0, 20], 25).into()),
        from: "vrrp@example.org".into(),
        helo_name: "lab.example.org".into(),
        recipients: ["ops@example.org", "second@example.org"].map(Box::from).into(),
        ..Mail::default()
    }
}

fn notice(subject: Subject, told: Told) -> Notice {
    Notice { subject, name: "VI_1".into(), key: Box::default(), told, priority: 150, specific: None, any: None, fifo: true, mail: true }
}

fn server(real: Option<&str>, up: bool, reason: &str) -> ServerNotice {
    let (virtual_server, real_server) = ("[10.0.0.100]:tcp:80".into(), real.map(Box::from));
    ServerNotice { virtual_server, family: None, real_server, up, script: None, fifo: false, mail: Some(reason.into()) }
}

fn letter() -> Letter {
    let alert = Alert { subject: "S".into(), body: "B".into(), state: None };
    Letter::new(&conf(), &alert, DATE)
}

fn parts(news: impl Into<News>) -> (String, String) {
    let alert = news.into().alert.expect("it wants mail");
    let letter = Letter::new(&conf(), &alert, DATE);
    let body = letter.text.split_once("\r\n\r\n").map(|(_, body)| body.trim_end().to_owned()).expect("a body");
    (letter.subject, body)
}

#[test]
fn mails_are_in_keepalived_s_words() {
    let real = Some("[10.0.0.11]:tcp:80");
    let (none, owned) = ("=> VRRP Instance is no longer owning VRRP VIPs <=", "=> VRRP Instance is now owning VRRP VIPs <=");
    for (news, subject, body) in [
        (News::from(notice(Subject::Instance, Told::Master)), "[LAB] VRRP Instance VI_1 - Entering MASTER state", owned),
        (notice(Subject::Instance, Told::Backup).into(), "[LAB] VRRP Instance VI_1 - Entering BACKUP state", none),
        (notice(Subject::Instance, Told::Fault).into(), "[LAB] VRRP Instance VI_1 - Entering FAULT state", none),
        (notice(Subject::Instance, Told::Stop).into(), "[LAB] VRRP Instance VI_1 - Stopping", "=> VRRP Stopping <="),
        (notice(Subject::Instance, Told::Deleted).into(), "[LAB] VRRP Instance VI_1 - Deleted", "=> VRRP Deleted at reload <="),
        (
            notice(Subject::Group, Told::Backup).into(),
            "[LAB] VRRP Group VI_1 - Entering BACKUP state",
            "=> All VRRP group instances are now in BACKUP state <=",
        ),
        (
            server(None, true, "Starting with quorum up 1+0=1 <= 2").into(),
            "[LAB] Virtualserver [10.0.0.100]:tcp:80 - UP",
            "=> Starting with quorum up 1+0=1 <= 2 <=",
        ),
        (
            server(real, false, "TCP CHECK failed on service").into(),
            "[LAB] Realserver [10.0.0.11]:tcp:80 of virtual server [10.0.0.100]:tcp:80 - DOWN",
            "=> TCP CHECK failed on service <=",
        ),
    ] {
        assert_eq!(parts(news), (subject.to_owned(), body.to_owned()));
    }
}

#[test]
fn what_is_no_state_or_wants_no_mail_gets_none() {
    for told in [Told::MasterRxLowerPri, Told::MasterPriority, Told::BackupPriority] {
        assert_eq!(News::from(notice(Subject::Instance, told)).alert, None);
    }
    assert_eq!(News::from(Notice { mail: false, ..notice(Subject::Instance, Told::Master) }).alert, None);
    assert_eq!(News::from(ServerNotice { mail: None, ..server(None, true, "") }).alert, None);
}

/// Whether each of them is written about.
fn written(conf: &Mail, news: impl IntoIterator<Item = News>) -> Vec<bool> {
    let mut written = Written::default();
    news.into_iter().map(|news| written.letter(&news, conf, DATE).is_some()).collect()
}

#[test]
fn the_same_state_is_written_about_once() {
    use Told::{Backup, Fault, Master, Stop};
    let of = |told: &[Told]| told.iter().map(|&told| notice(Subject::Instance, told).into()).collect::<Vec<News>>();
    assert_eq!(
        written(&conf(), of(&[Backup, Backup, Master, Fault, Fault, Backup, Stop, Stop])),
        [true, false, true, true, false, true, true, true]
    );
    let quiet = Mail { no_faults: true, ..conf() };
    assert_eq!(written(&quiet, of(&[Backup, Fault, Backup, Master, Fault, Backup])), [true, false, false, true, false, true]);
    let both = [Subject::Instance, Subject::Group, Subject::Instance].map(|subject| notice(subject, Master).into());
    assert_eq!(written(&conf(), both), [true, true, false]);
    // Checkers may have more to say about a server than its state.
    let servers = [(); 2].map(|()| server(None, true, "again").into());
    assert_eq!(written(&conf(), servers), [true, true]);
}

#[test]
fn there_is_no_mail_without_a_server_or_a_recipient() {
    for conf in [Mail { server: None, ..conf() }, Mail { recipients: Vec::new(), ..conf() }] {
        assert_eq!(written(&conf, [notice(Subject::Instance, Told::Master).into()]), [false]);
    }
}

#[test]
fn envelopes_have_bare_addresses() {
    for (recipient, want) in [
        ("ops@example.org", "ops@example.org"),
        ("Ops <ops@example.com>", "ops@example.com"),
        ("<ops@example.com>", "ops@example.com"),
        ("\"A <b>\" <c@d>", "c@d"),
        ("a < b", "a < b"),
        (" x@y ", "x@y"),
        ("a@b\r\nDATA", "a@b  DATA"),
    ] {
        assert_eq!(bare(recipient), want, "{recipient}");
    }
}

#[test]
fn dates_are_those_of_the_place() {
    for (seconds, east, want) in [
        (0, 0, "Thu, 01 Jan 1970 00:00:00 +0000"),
        (1_795_243_025, 0, "Sat, 21 Nov 2026 06:37:05 +0000"),
        (1_795_243_025, 3_600, "Sat, 21 Nov 2026 07:37:05 +0100"),
        (1_795_243_025, -12_600, "Sat, 21 Nov 2026 03:07:05 -0330"),
        (1_709_164_800, 0, "Thu, 29 Feb 2024 00:00:00 +0000"),
        (1_709_251_199, 1, "Fri, 01 Mar 2024 00:00:00 +0000"),
        (951_782_400, 0, "Tue, 29 Feb 2000 00:00:00 +0000"),
        (-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"),
        (1_798_761_599, 0, "Thu, 31 Dec 2026 23:59:59 +0000"),
    ] {
        assert_eq!(date(seconds, east), want);
    }
}

/// The server's answers, and all that is said to it.
fn converse(letter: Letter, answers: &[u8], piece: usize) -> (Dialogue, String) {
    let mut dialogue = Dialogue::new(letter);
    let mut said = Vec::new();
    for bytes in answers.chunks(piece.max(1)) {
        dialogue.hear(bytes, &mut said);
    }
    (dialogue, String::from_utf8(said).expect("text"))
}

const WILLING: &str = "220-lab\r\n220 ready\r\n250 hello\r\n250 ok\r\n250 ok\r\n251 ok\r\n354 go\r\n250 queued\r\n221 bye\r\n";

#[test]
fn a_dialogue_is_keepalived_s() {
    let mut conf = conf();
    conf.from = "Keep <ka@example.com>".into();
    conf.recipients[0] = "Ops <ops@example.org>".into();
    let alert = Alert { subject: "VRRP Instance A - Entering MASTER state".into(), body: "owning".into(), state: None };
    let letter = Letter::new(&conf, &alert, DATE);
    let want = [
        "HELO lab.example.org",
        "MAIL FROM:<ka@example.com>",
        "RCPT TO:<ops@example.org>",
        "RCPT TO:<second@example.org>",
        "DATA",
        "Date: Sat, 21 Nov 2026 06:37:05 +0000",
        "From: Keep <ka@example.com>",
        "Subject: [LAB] VRRP Instance A - Entering MASTER state",
        "X-Mailer: Keepalived",
        "To: Ops <ops@example.org>,",
        " second@example.org",
        "",
        "=> owning <=",
        "",
        ".",
        "QUIT",
        "",
    ];
    for answers in [WILLING.to_owned(), WILLING.replace('\r', "")] {
        for piece in [1, 2, 7, 1000] {
            let (dialogue, said) = converse(letter.clone(), answers.as_bytes(), piece);
            assert_eq!(said, want.join("\r\n"));
            assert_eq!((dialogue.result(), dialogue.is_over(), dialogue.answers()), (Some(&Ok(Outcome::default())), true, 8));
        }
    }
}

#[test]
fn a_line_that_begins_with_a_dot_does_not_end_the_mail() {
    let letter = Letter { text: ".\r\n..a\r\nb.\r\n".to_owned(), ..letter() };
    assert_eq!(letter.stuffed(), "..\r\n...a\r\nb.\r\n");
}

#[test]
fn no_line_is_longer_than_a_server_takes() {
    let alert = Alert { subject: "s".repeat(5_000), body: "\u{e4}".repeat(5_000), state: None };
    let text = Letter::new(&conf(), &alert, DATE).stuffed();
    assert!(text.split("\r\n").all(|line| line.len() <= 998), "{text}");
    assert!(text.ends_with(" <=\r\n\r\n"));
}

#[test]
fn what_a_server_answers_decides() {
    let no = |reason: &str, lasting| Some(Err(Failure { reason: reason.to_owned(), lasting }));
    let long = format!("220 {}", "x".repeat(5_000));
    let endless = "220-x\r\n".repeat(200);
    for (answers, want) in [
        ("", None),
        ("220 x\r\n250", None),
        ("554 no\r\n", no("it answers '554 no' to the connection", true)),
        ("421 busy\r\n", no("it answers '421 busy' to the connection", false)),
        ("220 x\r\n502 what\r\n", no("it answers '502 what' to HELO", true)),
        ("220 x\r\n250 x\r\n451 later\r\n", no("it answers '451 later' to MAIL FROM", false)),
        ("220 x\r\n250 x\r\n250 x\r\n421 bye\r\n", no("it answers '421 bye' to RCPT TO:<ops@example.org>", false)),
        (
            "220 x\r\n250 x\r\n250 x\r\n550 no\r\n451 later\r\n",
            no("it takes no recipient: '550 no' to <ops@example.org>, '451 later' to <second@example.org>", false),
        ),
        (
            "220 x\r\n250 x\r\n250 x\r\n550 no\r\n550-a\r\n550 b\r\n",
            no("it takes no recipient: '550 no' to <ops@example.org>, '550 b' to <second@example.org>", true),
        ),
        ("220 x\r\n250 x\r\n250 x\r\n250 x\r\n250 x\r\n250 x\r\n", no("it answers '250 x' to DATA", false)),
        ("220 x\r\n250 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n552 big\r\n", no("it answers '552 big' to the text", true)),
        ("HTTP/1.1 400 Bad Request\r\n", no("it answers \"HTTP/1.1 400 Bad Request\" to the connection", true)),
        ("22\u{b}0\r\n", no("it answers \"220\" to the connection", true)),
        (&long, no("its answer to the connection has a line without an end", true)),
        (&endless, no("its answer to the connection has no end", true)),
    ] {
        let (dialogue, said) = converse(letter(), answers.as_bytes(), 3);
        assert_eq!(dialogue.result().cloned(), want, "{answers}");
        assert_eq!(dialogue.is_over(), want.is_some());
        assert_eq!(said.ends_with("QUIT\r\n"), want.is_some(), "{said}");
    }
}

#[test]
fn one_refused_recipient_does_not_keep_the_mail_from_the_others() {
    let answers = "220 x\r\n250 x\r\n250 x\r\n550 unknown\r\n250 x\r\n354 x\r\n250 x\r\n";
    let (dialogue, said) = converse(letter(), answers.as_bytes(), 100);
    let Some(Ok(Outcome { refused })) = dialogue.result() else { unreachable!("{:?}", dialogue.result()) };
    assert_eq!(
        refused.iter().map(|no| (&*no.recipient, &*no.reason, no.lasting)).collect::<Vec<_>>(),
        [("ops@example.org", "550 unknown", true)]
    );
    assert!(said.contains("DATA\r\n") && said.ends_with("QUIT\r\n"));
}

#[test]
fn a_server_that_closes_after_it_has_taken_the_mail_has_taken_it() {
    for (answers, taken) in [("220 x\r\n250 x\r\n", false), (WILLING.strip_suffix("221 bye\r\n").expect("it ends so"), true)] {
        let (mut dialogue, _) = converse(letter(), answers.as_bytes(), 100);
        dialogue.closed();
        assert!(dialogue.is_over());
        assert_eq!(dialogue.result().map(Result::is_ok), Some(taken));
    }
}

fn answer() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["220 x", "250 x", "250-x\r\n250 y", "354 go", "221 bye", "251"]).prop_map(|line| format!("{line}\r\n")),
        2 => (0..1000_u16, "[ -~]{0,30}").prop_map(|(code, text)| format!("{code} {text}\r\n")),
        1 => "[\\x00-\\x7f]{0,20}",
    ]
}

proptest! {
    /// Whatever a server answers, and however it comes in pieces, the end is the same, is reached at most once, and commands
    /// are said in their order, each at most once.
    #[test]
    fn any_server_is_heard(answers in prop::collection::vec(answer(), 0..14), cuts in prop::collection::vec(1..40_usize, 1..20)) {
        let answers: Vec<u8> = answers.concat().into_bytes();
        let (whole, said) = converse(letter(), &answers, usize::MAX);
        let mut dialogue = Dialogue::new(letter());
        let (mut rest, mut pieces, mut out) = (&answers[..], cuts.iter().cycle(), Vec::new());
        while !rest.is_empty() {
            let (piece, next) = rest.split_at((*pieces.next().unwrap_or(&1)).min(rest.len()));
            dialogue.hear(piece, &mut out);
            rest = next;
        }
        prop_assert_eq!(dialogue.result(), whole.result());
        prop_assert_eq!(dialogue.is_over(), whole.is_over());
        prop_assert_eq!(String::from_utf8_lossy(&out), said.as_str());
        let order = ["HELO", "MAIL FROM", "RCPT TO:<ops", "RCPT TO:<second", "DATA", "Date:", "QUIT"];
        let places: Vec<usize> = order.iter().filter_map(|&what| said.find(what)).collect();
        prop_assert!(places.is_sorted());
        prop_assert!(order.iter().all(|what| said.matches(what).count() <= 1));
        prop_assert_eq!(said.contains("QUIT"), dialogue.result().is_some());
        dialogue.closed();
        prop_assert!(dialogue.is_over() && dialogue.result().is_some());
    }
}

const AT: Instant = Instant::from_nanos(1_000_000_000);

fn named(name: &str) -> Letter {
    Letter { subject: name.to_owned(), ..letter() }
}

fn sent(outbox: &mut Outbox, now: Instant) -> Box<Parcel> {
    match outbox.next(now) {
        Next::Send(parcel) => parcel,
        other => unreachable!("{other:?}"),
    }
}

fn no(lasting: bool) -> Result<Outcome, Failure> {
    Err(Failure { reason: "no".to_owned(), lasting })
}

#[test]
fn a_mail_that_fails_is_tried_again_a_few_times() {
    let (mut outbox, mut lines) = (Outbox::default(), Vec::new());
    outbox.post(AT, named("a"), &mut lines);
    let mut now = AT;
    for pause in [5, 30, 120, 300] {
        let parcel = sent(&mut outbox, now);
        assert_eq!(outbox.next(now), Next::Nothing);
        outbox.ended(now, *parcel, no(false), &mut lines);
        assert_eq!(outbox.next(now), Next::At(now + Duration::from_secs(pause)));
        now += Duration::from_secs(pause);
    }
    let parcel = sent(&mut outbox, now);
    outbox.ended(now, *parcel, no(false), &mut lines);
    assert_eq!(outbox.next(now), Next::Nothing);
    let said: Vec<&str> = lines.iter().map(|line| &*line.text).collect();
    assert_eq!(said[0], "Mail 'a' could not be sent: no; it is tried again in 5 s");
    assert_eq!((said.len(), said[4]), (5, "Mail 'a' is not sent: no; tried 5 times"));
}

#[test]
fn a_mail_that_is_refused_for_good_is_not_tried_again() {
    let (mut outbox, mut lines) = (Outbox::default(), Vec::new());
    outbox.post(AT, named("a"), &mut lines);
    let parcel = sent(&mut outbox, AT);
    outbox.ended(AT, *parcel, no(true), &mut lines);
    assert_eq!((outbox.next(AT), lines.len()), (Next::Nothing, 1));
}

#[test]
fn only_those_who_were_put_off_are_written_to_again() {
    let (mut outbox, mut lines) = (Outbox::default(), Vec::new());
    let letter = Letter { to: ["a", "b", "c"].map(str::to_owned).into(), ..named("x") };
    outbox.post(AT, letter, &mut lines);
    let parcel = sent(&mut outbox, AT);
    let refused = [("a", true), ("c", false)];
    let refused = refused.map(|(to, lasting)| Refusal { recipient: to.to_owned(), reason: "no".to_owned(), lasting }).into();
    outbox.ended(AT, *parcel, Ok(Outcome { refused }), &mut lines);
    let parcel = sent(&mut outbox, AT + Duration::from_secs(5));
    assert_eq!(parcel.letter.to, ["c"]);
    outbox.ended(AT, *parcel, Ok(Outcome::default()), &mut lines);
    assert_eq!(outbox.next(AT), Next::Nothing);
}

#[test]
fn a_mail_that_is_put_off_lets_others_pass_and_an_absent_server_none() {
    let (mut outbox, mut lines) = (Outbox::default(), Vec::new());
    for name in ["a", "b", "c"] {
        outbox.post(AT, named(name), &mut lines);
    }
    let parcel = sent(&mut outbox, AT);
    outbox.ended(AT, *parcel, no(false), &mut lines);
    let parcel = sent(&mut outbox, AT);
    assert_eq!(parcel.letter.subject, "b");
    outbox.unreachable(AT, *parcel, "down", &mut lines);
    assert_eq!(outbox.next(AT), Next::At(AT + Duration::from_secs(5)));
    outbox.redirect();
    let parcel = sent(&mut outbox, AT);
    assert_eq!(parcel.letter.subject, "b", "another server is asked at once");
    outbox.unreachable(AT, *parcel, "down", &mut lines);
    let order: Vec<String> = (0..3).map(|_| sent(&mut outbox, AT + Duration::from_secs(30)).letter.subject).collect();
    assert_eq!(order, ["b", "c", "a"]);
}

#[test]
fn of_too_many_the_oldest_is_dropped_and_that_is_said() {
    let (mut outbox, mut lines) = (Outbox::default(), Vec::new());
    for number in 0..1_002 {
        outbox.post(AT, named(&number.to_string()), &mut lines);
    }
    let said: Vec<&Line> = lines.iter().collect();
    assert_eq!(said.len(), 2);
    assert_eq!(said[0].text, "Mail '0' is not sent: 1000 newer ones wait");
    assert_eq!(sent(&mut outbox, AT).letter.subject, "2");
}

#[test]
fn at_the_end_each_mail_is_tried_once() {
    let (mut outbox, mut lines) = (Outbox::default(), Vec::new());
    for name in ["a", "b"] {
        outbox.post(AT, named(name), &mut lines);
    }
    let parcel = sent(&mut outbox, AT);
    outbox.unreachable(AT, *parcel, "down", &mut lines);
    outbox.hurry();
    for name in ["a", "b"] {
        let parcel = sent(&mut outbox, AT);
        assert_eq!(parcel.letter.subject, name);
        outbox.unreachable(AT, *parcel, "down", &mut lines);
    }
    assert_eq!((outbox.next(AT), lines.len()), (Next::Nothing, 3));
    outbox.post(AT, named("c"), &mut lines);
    outbox.clear("why", &mut lines);
    assert_eq!((outbox.next(AT), &*lines[3].text), (Next::Nothing, "Mail 'c' is not sent: why"));
}
