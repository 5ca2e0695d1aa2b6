"""What Prometheus reads: numbers made of a picture at the moment they are asked for, none kept between."""
