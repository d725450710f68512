"""The kinds of AWS resources that envwright makes: one small file each."""
