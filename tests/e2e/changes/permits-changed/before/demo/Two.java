package demo;

final class Two implements Subject {
}
