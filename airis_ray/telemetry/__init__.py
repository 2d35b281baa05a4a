"""What the data is: Arrow schemas, OTLP and the other formats to and from them."""
