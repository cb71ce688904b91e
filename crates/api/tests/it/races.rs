//! Fifty clients and one room, all at once, over every replica.

use std::time::Instant;

use vacancy_testkit::database::Database;
use vacancy_testkit::on_both_databases;

use crate::crowd::{at_once, clients, counted, replicas, tally, urls};

const CLIENTS: usize = 50;
const ROUNDS: u64 = 20;

on_both_databases! {
    /// One night each round. The request that loses the race on the room's version looks again and finds the
    /// night taken, so that one wins and all others hear the same, whichever way they lost.
    async fn one_night_is_sold_to_one_of_fifty(db: Database) {
        let began = Instant::now();
        let replicas = replicas(&db).await;
        let urls = urls(&replicas);
        let clients = clients(&urls, CLIENTS).await;
        let room = clients[0].one_room().await;
        for night in 0..ROUNDS {
            let requests = clients.iter().cloned().map(|api| {
                let room = room.clone();
                async move { api.book(&room, night, night + 1).await }
            });
            let answers = at_once(requests).await;
            assert_eq!(tally(&answers, 201, ""), 1, "round {night}: {answers:?}");
            assert_eq!(tally(&answers, 409, "room_unavailable"), CLIENTS - 1, "{answers:?}");
            let winner = answers.iter().find(|answer| answer.status == 201);
            let winner = winner.expect("counted above").json();
            // A lost race means that another one won, and then the night is gone.
            assert_eq!(winner["attempts"], 1, "round {night}");
            let now = clients[0].room_now(&room).await;
            assert_eq!(now["version"], night + 2, "round {night}");
            assert_eq!(now["times_booked"], night + 1, "round {night}");
            assert_eq!(winner["room_version"], now["version"], "round {night}");
        }
        let outcomes = |outcome: &'static str| {
            let urls = urls.clone();
            async move {
                let labels = [("operation", "book"), ("outcome", outcome)];
                counted(&urls, "booking_write_outcomes_total", &labels).await
            }
        };
        let losers = ROUNDS * (CLIENTS as u64 - 1);
        assert_eq!(outcomes("first_attempt").await, ROUNDS);
        assert_eq!(outcomes("refused").await, losers);
        for never in ["after_retry", "exhausted", "unknown", "failed", "unchanged"] {
            assert_eq!(outcomes(never).await, 0, "{never}");
        }
        assert_eq!(counted(&urls, "booking_overlap_guard_violations_total", &[]).await, 0);
        let book = [("operation", "book")];
        let conflicts = counted(&urls, "booking_lock_conflicts_total", &book).await;
        let retries = counted(&urls, "booking_lock_retries_total", &book).await;
        assert_eq!(conflicts, retries, "every race was lost once and looked at again");
        assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, 20);
        eprintln!(
            "one night, {:?}, {} replicas: {ROUNDS} rounds, {ROUNDS} sold, {losers} refused, \
             {conflicts} of them after a lost race, {:?}",
            db.kind(), replicas.len(), began.elapsed()
        );
    }

    /// Fifty different nights: they share nothing but the room's version. A request that loses three
    /// times hears so and may come again; nothing is lost and nothing sold without an answer.
    async fn fifty_nights_are_sold_or_given_up_and_every_number_agrees(db: Database) {
        let began = Instant::now();
        let replicas = replicas(&db).await;
        let urls = urls(&replicas);
        let clients = clients(&urls, CLIENTS).await;
        let room = clients[0].one_room().await;
        let requests = clients.iter().cloned().zip(0..).map(|(api, night)| {
            let room = room.clone();
            async move { api.book(&room, night, night + 1).await }
        });
        let answers = at_once(requests).await;
        let sold = tally(&answers, 201, "");
        let given_up = tally(&answers, 409, "lock_conflict");
        assert_eq!(sold + given_up, CLIENTS, "{answers:?}");
        assert!(sold >= 3, "each of three attempts of a crowd has at least one winner: {sold}");
        for answer in answers.iter().filter(|answer| answer.status == 409) {
            assert_eq!(answer.header("retry-after"), Some("1"));
            let problem = answer.json();
            assert_eq!((&problem["attempts"], &problem["retryable"]), (&3.into(), &true.into()));
        }
        let mut versions: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status == 201)
            .map(|answer| answer.json()["room_version"].as_u64().expect("a version"))
            .collect();
        versions.sort_unstable();
        assert_eq!(versions, (2..2 + sold as u64).collect::<Vec<_>>());
        let now = clients[0].room_now(&room).await;
        assert_eq!(now["version"], 1 + sold);
        assert_eq!(now["times_booked"], sold);
        let rows = db.count("SELECT COUNT(*) FROM bookings WHERE status = 'confirmed'").await;
        assert_eq!(rows, i64::try_from(sold).expect("at most fifty"));
        let labels = [("operation", "book"), ("outcome", "exhausted")];
        let exhausted = counted(&urls, "booking_write_outcomes_total", &labels).await;
        assert_eq!(exhausted, given_up as u64);
        eprintln!(
            "fifty nights, {:?}, {} replicas: {sold} sold, {given_up} given up, {:?}",
            db.kind(), replicas.len(), began.elapsed()
        );
    }
}
