package demo;

public enum Subject {
    A, B;

    static String run() {
        return "old";
    }
}
