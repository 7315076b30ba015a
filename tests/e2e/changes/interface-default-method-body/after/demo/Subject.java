package demo;

public interface Subject {
    default String text() {
        return "new";
    }

    static String run() {
        return new Subject() { }.text();
    }
}
