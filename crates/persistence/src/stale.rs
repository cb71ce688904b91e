//! Work that met a prepared statement of no use is done again.

/// How often at most. Tables may be altered again before the next connection is used, and each step of
/// a migration may be such a change.
const REPETITIONS: usize = 3;

/// Does `work` again while it fails by a statement that its connection has prepared for other tables,
/// or has lost. Who uses it sees to it that such a failure has written nothing, and that the
/// connection it came from is not lent again.
pub(crate) async fn again_if<T, E, F>(
    is_stale: impl Fn(&E) -> bool,
    mut work: impl FnMut() -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut repetitions = 0;
    loop {
        match work().await {
            Err(error) if is_stale(&error) && repetitions < REPETITIONS => repetitions += 1,
            ended => return ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn what_is_stale_is_done_again_a_few_times_and_nothing_else_is() {
        for (stale, tries, expect) in
            [(0, 1, Ok(1)), (1, 2, Ok(2)), (3, 4, Ok(4)), (4, 4, Err("stale"))]
        {
            let made = Cell::new(0);
            let work = || async {
                made.set(made.get() + 1);
                if made.get() > stale { Ok(made.get()) } else { Err("stale") }
            };
            assert_eq!(again_if(|error| *error == "stale", work).await, expect);
            assert_eq!(made.get(), tries);
        }
        let made = Cell::new(0);
        let work = || async {
            made.set(made.get() + 1);
            Err::<(), _>("another")
        };
        assert_eq!(again_if(|error| *error == "stale", work).await, Err("another"));
        assert_eq!(made.get(), 1);
    }
}
