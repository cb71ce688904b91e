"""Contains all the data models used in inputs/outputs"""

from .auto_book_body import AutoBookBody
from .availability import Availability
from .book_body import BookBody
from .booking import Booking
from .booking_list import BookingList
from .booking_patch import BookingPatch
from .booking_status import BookingStatus
from .event import Event
from .event_data import EventData
from .event_kind import EventKind
from .event_list import EventList
from .field_error import FieldError
from .guest import Guest
from .guest_patch import GuestPatch
from .health import Health
from .hotel import Hotel
from .hotel_body import HotelBody
from .hotel_list import HotelList
from .hotel_patch import HotelPatch
from .hotel_replacement import HotelReplacement
from .key import Key
from .key_body import KeyBody
from .key_edit_body import KeyEditBody
from .key_list import KeyList
from .me import Me
from .metadata import Metadata
from .metadata_patch import MetadataPatch
from .money import Money
from .money_patch import MoneyPatch
from .new_key import NewKey
from .problem import Problem
from .problem_code import ProblemCode
from .room import Room
from .room_body import RoomBody
from .room_list import RoomList
from .room_patch import RoomPatch
from .room_replacement import RoomReplacement
from .room_sort import RoomSort
from .room_status import RoomStatus
from .stay import Stay

__all__ = (
    "AutoBookBody",
    "Availability",
    "BookBody",
    "Booking",
    "BookingList",
    "BookingPatch",
    "BookingStatus",
    "Event",
    "EventData",
    "EventKind",
    "EventList",
    "FieldError",
    "Guest",
    "GuestPatch",
    "Health",
    "Hotel",
    "HotelBody",
    "HotelList",
    "HotelPatch",
    "HotelReplacement",
    "Key",
    "KeyBody",
    "KeyEditBody",
    "KeyList",
    "Me",
    "Metadata",
    "MetadataPatch",
    "Money",
    "MoneyPatch",
    "NewKey",
    "Problem",
    "ProblemCode",
    "Room",
    "RoomBody",
    "RoomList",
    "RoomPatch",
    "RoomReplacement",
    "RoomSort",
    "RoomStatus",
    "Stay",
)
