"""`bactofleet doctor`: find mistakes before they cost money; changes nothing."""
