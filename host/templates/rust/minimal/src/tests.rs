//! What the plugin does, run natively.

use tollgate_plugin::testing;

use super::Hello;

#[test]
fn the_field_is_there_both_ways() {
    let outcome = testing::exchange().run::<Hello>();
    assert_eq!(outcome.request.field("x-{{name}}"), Some("hello"));
    assert_eq!(outcome.response.field("x-{{name}}"), Some("hello"));
    assert_eq!(outcome.error, None);
}
