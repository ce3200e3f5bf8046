//! After a reload, the states of everybody for pipes that want them: `fifo_write_vrrp_states_on_reload`.

use crate::effect::notice::{Notice, Subject, Told};
use crate::vrrp::view::{State, View};

/// Groups first, as keepalived has it.
pub(super) fn states(view: &View) -> Vec<Notice> {
    let groups = view.groups.iter().map(|group| (Subject::Group, &group.name, group.state, 0));
    let instances = view.instances.iter();
    let instances = instances.map(|instance| (Subject::Instance, &instance.name, instance.state, instance.effective_priority));
    groups.chain(instances).filter_map(|(subject, name, state, priority)| notice(subject, name, state, priority)).collect()
}

fn notice(subject: Subject, name: &str, state: State, priority: u8) -> Option<Notice> {
    let told = match state {
        State::Init => return None,
        State::Backup => Told::Backup,
        State::Master => Told::Master,
        State::Fault => Told::Fault,
    };
    Some(Notice { subject, name: name.into(), key: Box::default(), told, priority, specific: None, any: None, fifo: true, mail: false })
}
