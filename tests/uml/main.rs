//! On a kernel that has IPVS: stories that are told inside a guest (see [`guest`]).

mod guest;
mod table;

use guest::Story;

/// All that a guest can be asked for.
const STORIES: &[&[Story]] = &[table::STORIES, table::LARGE];

#[test]
fn the_table_of_the_kernel_is_as_we_hold_it() {
    guest::tell(table::STORIES);
}

#[test]
fn a_large_table_comes_and_goes() {
    guest::tell(table::LARGE);
}

#[test]
#[ignore = "it is run by guests, as their first process"]
fn inside() {
    guest::inside(&STORIES.concat());
}
