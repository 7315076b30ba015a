package demo;

public class Subject {
    static int count;

    static String run() {
        return "new";
    }
}
