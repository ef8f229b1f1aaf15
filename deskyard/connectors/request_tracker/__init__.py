"""The connector to Request Tracker."""
