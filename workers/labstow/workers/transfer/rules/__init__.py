"""What each command about places and transfers decides. Pure: values in, outcome or refusal out."""
