//! On a kernel that has IPVS: stories that are told inside a guest (see [`guest`]).

mod balancer;
mod daemon;
mod guest;
mod load;
mod place;
mod table;
mod wait;
mod writes;

use guest::Story;

/// All that a guest can be asked for.
const STORIES: &[&[Story]] = &[table::STORIES, table::LARGE, balancer::STORIES];

#[test]
fn the_table_of_the_kernel_is_as_we_hold_it() {
    guest::tell(table::STORIES);
}

#[test]
fn a_large_table_comes_and_goes() {
    guest::tell(table::LARGE);
}

#[test]
fn clients_of_the_balancer_notice_nothing() {
    guest::tell_at_once(balancer::STORIES);
}

#[test]
#[ignore = "it is run by guests, as their first process"]
fn inside() {
    guest::inside(&STORIES.concat());
}
