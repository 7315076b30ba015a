package demo;

public enum Subject {
    A, B, C;

    static String run() {
        return "new";
    }
}
