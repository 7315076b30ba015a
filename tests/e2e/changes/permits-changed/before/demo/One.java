package demo;

final class One implements Subject {
}
