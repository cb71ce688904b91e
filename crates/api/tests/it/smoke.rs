//! A thin line through the whole service.

use vacancy_testkit::database::Database;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::Replica;

use crate::support::{Api, id_of};

on_both_databases! {
    /// Book, lose the night to the first, look, cancel, and book again.
    async fn a_night_is_sold_once_and_again_when_it_is_given_back(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;

        let booked = api.book(&room, 0, 2).await.expect(201);
        assert_eq!(booked.json()["room_version"], 2);
        let taken = api.book(&room, 1, 3).await.expect(409);
        assert_eq!(taken.code(), "room_unavailable");
        assert_eq!(api.room_now(&room).await["times_booked"], 1);

        api.command(&id_of(&booked), "cancel").await.expect(200);
        api.book(&room, 1, 3).await.expect(201);
        let now = api.room_now(&room).await;
        assert_eq!((&now["times_booked"], &now["version"]), (&1.into(), &4.into()));
    }
}
