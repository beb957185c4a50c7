mod describing;
