use super::*;
use crate::wire::agentx::{Range, Value};

const SESSION: u32 = 42;

fn seconds(seconds: u64) -> Instant {
    Instant::from_nanos(seconds * 1_000_000_000)
}

fn session() -> Session {
    let subtrees = vec![([1, 3, 1].into(), 127), ([1, 3, 2].into(), 128)];
    Session::new(seconds(1), Settings { address: "unix:/a".into(), id: [1, 3].into(), description: "us".into(), subtrees })
}

fn act(session: &mut Session, now: u64, event: Event<'_>) -> Vec<Action> {
    let mut actions = Vec::new();
    session.handle(seconds(now), event, &mut actions);
    actions
}

/// What the agent says.
fn from_agent(packet: u32, body: Body) -> Vec<u8> {
    Pdu { header: Header { order: Order::Little, session: SESSION, transaction: 9, packet, context: None }, body }.encode()
}

fn answer(packet: u32, error: u16) -> Vec<u8> {
    from_agent(packet, Body::Response(Response { uptime: 500, error, index: 0, binds: Vec::new() }))
}

fn sent(actions: &[Action]) -> Vec<Pdu> {
    let of = |action: &Action| match action {
        Action::Send(bytes) => match frame(bytes) {
            Frame::Whole { length, header, body: Some(body) } if length == bytes.len() => Some(Pdu { header, body }),
            Frame::Whole { .. } | Frame::Partial | Frame::Alien => None,
        },
        Action::Connect | Action::Disconnect | Action::Ask(_) | Action::Say(_) | Action::End => None,
    };
    actions.iter().filter_map(of).collect()
}

fn said(actions: &[Action]) -> Vec<&str> {
    fn of(action: &Action) -> Option<&str> {
        match action {
            Action::Say(line) => Some(&line.text),
            Action::Connect | Action::Disconnect | Action::Send(_) | Action::Ask(_) | Action::End => None,
        }
    }
    actions.iter().filter_map(of).collect()
}

fn bind(number: i32) -> VarBind {
    VarBind { name: [1].into(), value: Value::Integer(number) }
}

/// Opened, and its registrations are answered.
fn serving() -> Session {
    let mut session = session();
    assert_eq!(act(&mut session, 1, Event::Tick), [Action::Connect]);
    act(&mut session, 1, Event::Connected);
    act(&mut session, 1, Event::Received(&answer(1, 0)));
    act(&mut session, 1, Event::Received(&[answer(2, 0), answer(3, 0)].concat()));
    session
}

#[test]
fn it_opens_and_registers_what_it_serves() {
    let mut session = session();
    assert_eq!(session.next_deadline(), Some(seconds(1)));
    assert_eq!(act(&mut session, 1, Event::Tick), [Action::Connect]);
    let opened = act(&mut session, 2, Event::Connected);
    let want = Body::Open { timeout: 0, id: [1, 3].into(), description: Box::from(*b"us") };
    assert_eq!(sent(&opened).into_iter().map(|pdu| (pdu.header.session, pdu.body)).collect::<Vec<_>>(), [(0, want)]);
    let registered = act(&mut session, 3, Event::Received(&answer(1, 0)));
    assert_eq!(said(&registered), ["SNMP agent unix:/a: connected"]);
    let regions: Vec<(u32, u32, u8)> = sent(&registered)
        .into_iter()
        .filter_map(|pdu| match pdu.body {
            Body::Register(region) => Some((pdu.header.session, *region.subtree.parts().last()?, region.priority)),
            _ => None,
        })
        .collect();
    assert_eq!(regions, [(SESSION, 1, 127), (SESSION, 2, 128)]);
    assert_eq!(session.uptime(), Some((seconds(3), 500)));
}

#[test]
fn what_is_asked_is_answered_once_there_is_an_answer() {
    let mut session = serving();
    let ranges = vec![Range { start: [1, 3, 1].into(), include: false, end: Oid::default() }];
    let actions = act(&mut session, 2, Event::Received(&from_agent(77, Body::GetNext(ranges.clone()))));
    let [Action::Ask(request)] = &actions[..] else { unreachable!("{actions:?}") };
    assert_eq!(request.query, Query::Next(ranges));
    let bytes = session.answer(request, vec![bind(1)]).expect("it is open");
    let [pdu] = &sent(&[Action::Send(bytes)])[..] else { unreachable!("one was sent") };
    assert_eq!((pdu.header.packet, pdu.header.transaction, pdu.header.session, pdu.header.order), (77, 9, SESSION, Order::Little));
    assert_eq!(pdu.body, Body::Response(Response { uptime: 0, error: 0, index: 0, binds: vec![bind(1)] }));
    act(&mut session, 3, Event::Lost("gone"));
    assert_eq!(session.answer(request, vec![]), None);
}

#[test]
fn nothing_can_be_set() {
    let mut session = serving();
    let mut refused = |body, want: Option<(u16, u16)>| {
        let actions = act(&mut session, 2, Event::Received(&from_agent(5, body)));
        let got = sent(&actions).into_iter().find_map(|pdu| match pdu.body {
            Body::Response(response) => Some((response.error, response.index)),
            _ => None,
        });
        assert_eq!(got, want);
    };
    refused(Body::TestSet(vec![bind(1)]), Some((error::NOT_WRITABLE, 1)));
    refused(Body::CommitSet, Some((error::COMMIT_FAILED, 0)));
    refused(Body::UndoSet, Some((0, 0)));
    refused(Body::CleanupSet, None);
    refused(Body::Ping, Some((error::DENIED, 0)));
}

#[test]
fn another_session_or_context_is_refused() {
    let mut session = serving();
    for (number, context, want) in [(SESSION + 1, None, error::NOT_OPEN), (SESSION, Some(Box::from([1])), error::UNSUPPORTED_CONTEXT)] {
        let header = Header { order: Order::Big, session: number, transaction: 0, packet: 1, context };
        let actions = act(&mut session, 2, Event::Received(&Pdu { header, body: Body::Get(Vec::new()) }.encode()));
        let [Pdu { body: Body::Response(response), .. }] = &sent(&actions)[..] else { unreachable!("{actions:?}") };
        assert_eq!(response.error, want);
    }
}

#[test]
fn a_lost_agent_is_told_once_and_tried_again_ever_more_rarely() {
    let mut session = serving();
    assert_eq!(said(&act(&mut session, 10, Event::Lost("gone"))), ["SNMP agent unix:/a: cannot be reached: gone"]);
    let mut now = 10;
    for pause in [1, 2, 4, 8, 15, 15] {
        now += pause;
        assert_eq!(session.next_deadline(), Some(seconds(now)));
        assert_eq!(act(&mut session, now - 1, Event::Tick), [], "too early");
        assert_eq!(act(&mut session, now, Event::Tick), [Action::Connect]);
        assert_eq!(act(&mut session, now, Event::Lost("refused")), []);
    }
    now += 15;
    act(&mut session, now, Event::Tick);
    let opened = sent(&act(&mut session, now, Event::Connected));
    act(&mut session, now, Event::Received(&answer(opened[0].header.packet, 0)));
    assert_eq!(said(&act(&mut session, now, Event::Lost("gone"))).len(), 1, "it was there in between");
    assert_eq!(session.next_deadline(), Some(seconds(now + 1)));
}

#[test]
fn a_silent_agent_is_asked_and_then_given_up() {
    let mut session = serving();
    assert_eq!(session.next_deadline(), Some(seconds(16)));
    assert_eq!(sent(&act(&mut session, 16, Event::Tick)).into_iter().map(|pdu| pdu.body).collect::<Vec<_>>(), [Body::Ping]);
    act(&mut session, 17, Event::Received(&answer(4, 0)));
    assert_eq!(session.next_deadline(), Some(seconds(32)));
    act(&mut session, 32, Event::Tick);
    assert_eq!(session.next_deadline(), Some(seconds(42)));
    let actions = act(&mut session, 42, Event::Tick);
    assert_eq!((&actions[0], said(&actions)), (&Action::Disconnect, vec!["SNMP agent unix:/a: cannot be reached: it does not answer"]));
    assert_eq!(session.next_deadline(), Some(seconds(43)));
}

#[test]
fn traps_wait_for_a_session_and_the_newest_are_kept() {
    let mut session = session();
    for number in 0..300 {
        assert_eq!(act(&mut session, 1, Event::Trap(&[bind(number)])), []);
    }
    act(&mut session, 1, Event::Tick);
    act(&mut session, 1, Event::Connected);
    let told = |actions: &[Action]| -> Vec<VarBind> {
        let of = |pdu: Pdu| match pdu.body {
            Body::Notify(binds) => binds,
            _ => Vec::new(),
        };
        sent(actions).into_iter().flat_map(of).collect()
    };
    let notified = told(&act(&mut session, 1, Event::Received(&answer(1, 0))));
    assert_eq!(notified, (44..300).map(bind).collect::<Vec<_>>());
    assert_eq!(told(&act(&mut session, 2, Event::Trap(&[bind(7)]))), [bind(7)]);
}

#[test]
fn a_stop_closes_the_session_after_the_traps() {
    let mut session = serving();
    act(&mut session, 2, Event::Trap(&[bind(7)]));
    let actions = act(&mut session, 2, Event::Stop);
    assert_eq!(sent(&actions).into_iter().map(|pdu| pdu.body).collect::<Vec<_>>(), [Body::Close(Reason::Shutdown)]);
    assert_eq!(actions[1..], [Action::Disconnect, Action::End]);
    assert_eq!(session.next_deadline(), None);
}

#[test]
fn a_stop_while_it_is_opened_tells_what_is_to_be_told_first() {
    let mut telling = session();
    act(&mut telling, 1, Event::Tick);
    act(&mut telling, 1, Event::Trap(&[bind(7)]));
    act(&mut telling, 1, Event::Connected);
    assert_eq!(act(&mut telling, 1, Event::Stop), []);
    let actions = act(&mut telling, 2, Event::Received(&answer(1, 0)));
    let bodies: Vec<Body> = sent(&actions).into_iter().map(|pdu| pdu.body).filter(|body| !matches!(body, Body::Register(_))).collect();
    assert_eq!(bodies, [Body::Notify(vec![bind(7)]), Body::Close(Reason::Shutdown)]);
    assert_eq!(actions.last(), Some(&Action::End));

    let mut silent = session();
    assert_eq!(act(&mut silent, 1, Event::Stop), [Action::End], "nothing was ever there");
    let mut opening = session();
    act(&mut opening, 1, Event::Tick);
    act(&mut opening, 1, Event::Connected);
    assert_eq!(act(&mut opening, 1, Event::Stop), [Action::Disconnect, Action::End]);
}

#[test]
fn what_is_no_agentx_ends_the_connection() {
    for bytes in [b"GET / HTTP/1.0\r\n".to_vec(), from_agent(1, Body::GetNext(Vec::new())).into_iter().map(|_| 1).collect()] {
        let mut session = serving();
        let actions = act(&mut session, 2, Event::Received(&bytes));
        assert_eq!(actions.first(), Some(&Action::Disconnect));
        assert_eq!(session.next_deadline(), Some(seconds(3)));
    }
}

#[test]
fn who_is_refused_says_why() {
    let mut session = session();
    act(&mut session, 1, Event::Tick);
    act(&mut session, 1, Event::Connected);
    let actions = act(&mut session, 1, Event::Received(&answer(1, 256)));
    assert_eq!(said(&actions), ["SNMP agent unix:/a: cannot be reached: it refuses a session (error 256)"]);
    let mut session = serving();
    session.pending.insert(9, (Pending::Register(1), seconds(9)));
    let actions = act(&mut session, 2, Event::Received(&answer(9, error::DUPLICATE_REGISTRATION)));
    assert_eq!(said(&actions), ["SNMP agent unix:/a: 1.3.2 cannot be served: somebody else serves it"]);
    session.pending.insert(9, (Pending::Ping, seconds(9)));
    let actions = act(&mut session, 2, Event::Received(&answer(9, error::NOT_OPEN)));
    assert_eq!(actions.first(), Some(&Action::Disconnect));
}
