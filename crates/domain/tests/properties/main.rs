//! What holds after any sequence of decisions, checked on a model that keeps changes as the store
//! does: a compare-and-set on every room and booking, all of a change or none of it.

mod house;
mod merging;

use chrono::TimeDelta;
use proptest::prelude::*;

use self::house::{House, Operation, operations};

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    One(Operation),
    /// Both are decided on what is there now; the second is kept after the first.
    Race(Operation, Operation),
    Pass {
        minutes: i64,
    },
    Sleep {
        nights: i64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => operations().prop_map(Step::One),
        3 => (operations(), operations()).prop_map(|(one, other)| Step::Race(one, other)),
        2 => (1..40_i64).prop_map(|minutes| Step::Pass { minutes }),
        1 => (1..4_i64).prop_map(|nights| Step::Sleep { nights }),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_sold_twice_and_every_version_is_accounted_for(steps in steps()) {
        let mut house = House::new();
        for step in steps {
            match step {
                Step::Pass { minutes } => house.now += TimeDelta::minutes(minutes),
                Step::Sleep { nights } => house.now += TimeDelta::days(nights),
                Step::One(operation) => {
                    let decided = house.decide(&operation);
                    let kept = house.keep(&decided);
                    prop_assert!(kept, "nothing was written in between");
                }
                Step::Race(one, other) => {
                    let (first, second) = (house.decide(&one), house.decide(&other));
                    let meet = first.rooms().iter().any(|room| second.rooms().contains(room));
                    prop_assert!(house.keep(&first));
                    let kept = house.keep(&second);
                    prop_assert_eq!(kept, !meet, "exactly the writes to one room exclude each other");
                    if !kept {
                        // Decided again on what the winner left, it cannot lose.
                        let again = house.decide(&other);
                        prop_assert!(house.keep(&again));
                    }
                }
            }
            house.check()?;
        }
    }
}
