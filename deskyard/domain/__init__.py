"""What deskyard is about, as plain values and rules: tickets, their labels, and the states they go through."""
